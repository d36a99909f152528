import { useEffect, useState } from "preact/hooks";
import type { Responses } from "#client/index.ts";
import { useMay } from "#tools/console/page/me.ts";
import { nest } from "#tools/console/page/nest.ts";
import { settings } from "#tools/console/page/settings.ts";

type Named = Pick<Responses["get_user"], "id" | "email" | "identifiers">;

/** What a user is called: the primary address, else another address or number that the user has or had, else the id. */
export function nameOf({ id, email, identifiers }: Named): string {
  const [first] = identifiers;
  const proved = identifiers.find(({ verified_at }) => verified_at !== null);
  return email ?? (proved ?? first)?.identifier_value ?? id;
}

/** The name of an OAuth client. A client that the app file does not name any more has its id. */
export const clientNameOf = (id: string): string => settings.clients[id] ?? id;

/** A text of Nest, with the names of clients in place of their ids. */
export const withClientNames = (text: string): string => text.replaceAll(/client_\w+/g, clientNameOf);

/**
 * Something that is read once for each key while a person is signed in, so that a list with many rows about few things asks for each
 * of them once. A failure is not kept: the next row asks again.
 */
class Answers<Answer> {
  readonly #read: (key: string) => Promise<Answer>;
  readonly #known = new Map<string, Promise<Answer>>();
  constructor(read: (key: string) => Promise<Answer>) {
    this.#read = read;
  }

  of(key: string): Promise<Answer> {
    const known = this.#known.get(key);
    if (known) return known;
    const asked = this.#read(key);
    this.#known.set(key, asked);
    asked.catch(() => this.#known.get(key) === asked && this.#known.delete(key));
    return asked;
  }

  clear(): void {
    this.#known.clear();
  }
}

const people = new Answers((id) => nest.call("get_user", { user_id: id }).then(nameOf));
const roles = new Answers(() => nest.call("list_roles").then(({ items }) => items));

/** Forgets what was read for the person who was signed in. */
export function forgetNames(): void {
  people.clear();
  roles.clear();
}

/** Reads an answer when a part of the page is drawn. @returns null until it is there, and if it can't be read */
function useAnswer<Answer>(of: Answers<Answer>, key: string | null): Answer | null {
  const [answer, setAnswer] = useState<Answer | null>(null);
  useEffect(() => {
    let isShown = true;
    if (key !== null)
      of.of(key).then(
        (found) => isShown && setAnswer(found),
        () => undefined,
      );
    return () => {
      isShown = false;
    };
  }, [of, key]);
  return answer;
}

/** @returns the name of a user; the id until it is known, and if the user was erased */
export const usePersonName = (id: string): string => useAnswer(people, id) ?? id;

/** @returns a function that gives the name of a role by its key or id */
export function useRoleName(): (reference: string) => string {
  const items = useAnswer(roles, useMay("roles.manage") ? "all" : null);
  return (reference) => {
    const found = items?.find(({ id }) => id === reference);
    if (found) return `${found.name} (${found.key})`;
    return reference.startsWith("role_") && items ? `a role that was deleted (${reference})` : reference;
  };
}
