import { int, maximum, maxLength, minimum, optional, refine, string } from "zod/mini";

/** The position of a document in a list that is ordered by time and id. */
export interface Position {
  /** ISO. */
  createdAt: string;
  _id: string;
}

/** Which part of a list to return. */
export interface Page {
  limit: number;
  /** The last document of the page before; null for the first page. */
  after: Position | null;
}

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 100;
const CURSOR_LIMIT = 200;

/** The parameters of every method that lists pages. */
export const pageParameters = {
  limit: optional(int().check(minimum(1), maximum(MAX_LIMIT))),
  cursor: optional(
    string().check(
      maxLength(CURSOR_LIMIT),
      refine((value) => positionOf(value) !== null, "is not a next_cursor of this method"),
    ),
  ),
};

/** Reads the parameters of a page. */
export function readPage(asked: { limit?: number | undefined; cursor?: string | undefined }): Page {
  const { limit = DEFAULT_LIMIT, cursor } = asked;
  return { limit, after: cursor === undefined ? null : positionOf(cursor) };
}

/**
 * Cuts a list to a page.
 * @param found the documents of the page and, if the list goes on, one more
 * @returns the page, and the cursor of the next one; null at the end of the list
 */
export function cutPage<Item extends Position>(
  found: readonly Item[],
  limit: number,
): { items: Item[]; nextCursor: string | null } {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: found.length > limit && last ? cursorAfter(last) : null };
}

/** Matches what comes after a position in a list with the newest first. */
export const olderThan = ({ createdAt, _id }: Position) => ({
  $or: [{ createdAt: { $lt: createdAt } }, { createdAt, _id: { $lt: _id } }],
});

const cursorAfter = ({ createdAt, _id }: Position) =>
  Buffer.from(JSON.stringify([createdAt, _id])).toString("base64url");

/** @returns null for a text that is no cursor */
function positionOf(cursor: string): Position | null {
  try {
    const [createdAt, _id, ...rest] = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
    const isPosition = typeof createdAt === "string" && typeof _id === "string" && rest.length === 0;
    return isPosition ? { createdAt, _id } : null;
  } catch {
    return null;
  }
}
