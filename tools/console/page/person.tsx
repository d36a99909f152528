import { useEffect, useState } from "preact/hooks";
import { nest } from "#tools/console/page/nest.ts";
import { hrefOf } from "#tools/console/page/route.ts";

/** Addresses of users by id, so that a list with many rows about few people asks for each of them once. */
const known = new Map<string, Promise<string | null>>();

function addressOf(id: string): Promise<string | null> {
  const asked =
    known.get(id) ??
    nest.call("get_user", { user_id: id }).then(
      ({ email }) => email,
      // The user was erased, or the person may not read users: the id stands for itself.
      () => null,
    );
  known.set(id, asked);
  return asked;
}

/** A link to a user, with the address if it can be read. */
export function Person({ id }: { id: string }) {
  const [address, setAddress] = useState<string | null>(null);
  useEffect(() => {
    let isShown = true;
    void addressOf(id).then((found) => isShown && setAddress(found));
    return () => {
      isShown = false;
    };
  }, [id]);
  return (
    <a href={hrefOf("users", id)} title={id}>
      {address ?? id}
    </a>
  );
}
