/** The last code point: what starts with a prefix is below the prefix followed by it. */
const LAST = "\u{10FFFF}";

/** Matches active identifiers that start with a prefix. @param after the value after which the page starts; null: the first page */
export const startingWith = <Type extends string>(type: Type, prefix: string, after: string | null) => ({
  identifierType: type,
  identifierValue: { ...(after === null ? { $gte: prefix } : { $gt: after }), $lt: `${prefix}${LAST}` },
  removedAt: null,
});

/**
 * Matches removed identifiers that start with a prefix. Several can have one value, so a page starts after a value and an id. The
 * condition on `removedAt` is that of their index.
 */
export const removedStartingWith = <Type extends string>(
  type: Type,
  prefix: string,
  after: { value: string; _id: string } | null,
) => ({
  identifierType: type,
  identifierValue: { $gte: after?.value ?? prefix, $lt: `${prefix}${LAST}` },
  removedAt: { $type: "string" as const },
  ...(after && { $or: [{ identifierValue: { $gt: after.value } }, { _id: { $gt: after._id } }] }),
});
