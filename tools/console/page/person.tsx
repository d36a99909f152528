import { usePersonName } from "#tools/console/page/names.ts";
import { hrefOf } from "#tools/console/page/route.ts";

/** A link to a user, with the address if it can be read. */
export const Person = ({ id }: { id: string }) => (
  <a href={hrefOf("users", id)} title={id}>
    {usePersonName(id)}
  </a>
);
