import { hashSecret, newSecret } from "#core/secrets.ts";
import { CommandError } from "#tools/terminal/errors.ts";

/** One of several values that are good at once. */
export interface Entry {
  /** What an operator names it by; tells nothing of the value. */
  id: string;
  stored: string;
}

/** A secret that holds several values, so that one can be changed while the other still serves. */
export interface KeyList {
  read(value: string): Entry[];
  write(entries: readonly Entry[]): string;
  /** A new value; `shown` is what its holder must be given, once. Null where somebody else makes it. */
  make: (() => { entry: Entry; shown: string | null }) | null;
  /** Whether the first entry has a meaning of its own. */
  isOrdered: boolean;
}

const ID_LENGTH = 8;
const idOf = (hash: string) => hash.slice(0, ID_LENGTH);
const commaSeparated = (value: string) =>
  value
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean);
const join = (entries: readonly Entry[]) => entries.map(({ stored }) => stored).join(",");

export const KEY_LISTS: Readonly<Record<string, KeyList>> = {
  // The first derives successors, the others finish what they began; an id is never used again.
  REFRESH_KEYS: {
    read: (value) =>
      (JSON.parse(value) as { id: string }[]).map((key) => ({ id: key.id, stored: JSON.stringify(key) })),
    write: (entries) => `[${join(entries)}]`,
    make() {
      const key = newSecret();
      const id = idOf(hashSecret(key));
      return { entry: { id, stored: JSON.stringify({ id, key }) }, shown: null };
    },
    isOrdered: true,
  },
  INTERNAL_KEYS: {
    read: (value) => commaSeparated(value).map((hash) => ({ id: idOf(hash), stored: hash })),
    write: join,
    make() {
      const key = newSecret();
      return { entry: { id: idOf(hashSecret(key)), stored: hashSecret(key) }, shown: key };
    },
    isOrdered: false,
  },
  // Stripe makes it.
  STRIPE_WEBHOOK_SECRETS: {
    read: (value) => commaSeparated(value).map(webhookSecret),
    write: join,
    make: null,
    isOrdered: false,
  },
};

export const webhookSecret = (secret: string): Entry => ({ id: idOf(hashSecret(secret)), stored: secret });

function indexOf(entries: readonly Entry[], id: string): number {
  const index = entries.findIndex((entry) => entry.id === id);
  if (index < 0) throw new CommandError(`There is no ${id}: ${entries.map((entry) => entry.id).join(", ")}.`);
  return index;
}

/** @throws CommandError if it is there already */
export function add(entries: readonly Entry[], entry: Entry): Entry[] {
  if (entries.some(({ id }) => id === entry.id)) throw new CommandError(`${entry.id} is there already.`);
  return [...entries, entry];
}

/** @throws CommandError if there is none of that id */
export function toFront(entries: readonly Entry[], id: string): Entry[] {
  const [entry] = entries.slice(indexOf(entries, id)) as [Entry];
  return [entry, ...entries.filter((other) => other !== entry)];
}

/** @throws CommandError if there is none of that id, if it is the last, or if it is the one in use */
export function drop(
  entries: readonly Entry[],
  id: string,
  { isOrdered }: Pick<KeyList, "isOrdered">,
): Entry[] {
  const index = indexOf(entries, id);
  if (entries.length === 1) throw new CommandError(`${id} is the only one. Add another first.`);
  if (isOrdered && index === 0) throw new CommandError(`${id} is in use. Put another in front first.`);
  return entries.toSpliced(index, 1);
}
