import { int, maximum, maxLength, minimum, minLength, optional, refine, string } from "zod/mini";
import { hashSecret } from "#core/secrets.ts";
import { invalidField } from "#core/wire.ts";

/** The position of a document in a list that is ordered by time and id. */
export interface Position {
  /** ISO. In a list that is ordered by something else: that. */
  createdAt: string;
  _id: string;
}

/** Which part of a list to return. */
export interface Page {
  limit: number;
  /** The last document of the page before; null for the first page. */
  after: Position | null;
}

/** The list that a cursor belongs to. A cursor of another list is refused. */
export interface ListName {
  method: string;
  /** The parameters that choose what the list has. Those that are undefined do not count. */
  filter?: Readonly<Record<string, unknown>>;
}

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 100;
const CURSOR_LIMIT = 1000;
const NOT_A_CURSOR = "is not a next_cursor of this list";
/** Enough to tell lists apart. A cursor protects nothing: it is a position among what the caller may list anyway. */
const TAG_LENGTH = 16;

/** The parameters of every method that lists pages. */
export const pageParameters = {
  limit: optional(int().check(minimum(1), maximum(MAX_LIMIT))),
  cursor: optional(
    string().check(
      minLength(1),
      maxLength(CURSOR_LIMIT),
      refine((value) => read(value) !== null, NOT_A_CURSOR),
    ),
  ),
};

/**
 * Reads the parameters of a page.
 * @throws NestError validation_failed for a cursor of another method or of another filter
 */
export function readPage(
  asked: { limit?: number | undefined; cursor?: string | undefined },
  list: ListName,
): Page {
  const { limit = DEFAULT_LIMIT, cursor } = asked;
  if (cursor === undefined) return { limit, after: null };
  const found = read(cursor);
  if (found?.tag !== tagOf(list)) throw invalidField(["cursor"], NOT_A_CURSOR, "format");
  return { limit, after: found.position };
}

/**
 * Cuts a list to a page.
 * @param found the documents of the page and, if the list goes on, one more
 * @returns the page, and the cursor of the next one; null at the end of the list
 */
export function cutPage<Item extends Position>(
  found: readonly Item[],
  limit: number,
  list: ListName,
): { items: Item[]; nextCursor: string | null } {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: found.length > limit && last ? cursorAfter(last, list) : null };
}

/** Matches what comes after a position in a list with the newest first. */
export const olderThan = ({ createdAt, _id }: Position) => ({
  $or: [{ createdAt: { $lt: createdAt } }, { createdAt, _id: { $lt: _id } }],
});

/** The cursor of what comes after a position in a list. */
export const cursorAfter = ({ createdAt, _id }: Position, list: ListName): string =>
  Buffer.from(JSON.stringify([createdAt, _id, tagOf(list)])).toString("base64url");

function tagOf({ method, filter = {} }: ListName): string {
  const chosen = Object.entries(filter).filter(([, value]) => value !== undefined);
  return hashSecret(JSON.stringify([method, ...chosen.sort()])).slice(0, TAG_LENGTH);
}

/** @returns null for a text that is no cursor */
function read(cursor: string): { position: Position; tag: string } | null {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
    if (!Array.isArray(parts) || parts.length !== 3 || !parts.every((part) => typeof part === "string"))
      return null;
    const [createdAt, _id, tag] = parts as [string, string, string];
    return { position: { createdAt, _id }, tag };
  } catch {
    return null;
  }
}
