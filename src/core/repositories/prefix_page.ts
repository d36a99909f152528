/** The last code point: what starts with a prefix is below the prefix followed by it. */
const LAST = "\u{10FFFF}";

/** The last identifier of the page before. Several can have one value, so a page starts after a value and an id. */
export interface PrefixPosition {
  value: string;
  _id: string;
}

/** Matches identifiers of a type that start with a prefix. @param after null: the first page */
const identifiersFrom = <Type extends string>(type: Type, prefix: string, after: PrefixPosition | null) => ({
  identifierType: type,
  identifierValue: { $gte: after?.value ?? prefix, $lt: `${prefix}${LAST}` },
  ...(after && { $or: [{ identifierValue: { $gt: after.value } }, { _id: { $gt: after._id } }] }),
});
type From<Type extends string> = [type: Type, prefix: string, after: PrefixPosition | null];

/** Matches active identifiers that start with a prefix. */
export const startingWith = <Type extends string>(...from: From<Type>) => ({
  ...identifiersFrom(...from),
  removedAt: null,
});

/** Matches identifiers that start with a prefix and are not verified yet. */
export const pendingStartingWith = <Type extends string>(...from: From<Type>) => ({
  ...identifiersFrom(...from),
  endedAt: null,
});

/** Matches removed identifiers that start with a prefix. The condition on `removedAt` is that of their index. */
export const removedStartingWith = <Type extends string>(...from: From<Type>) => ({
  ...identifiersFrom(...from),
  removedAt: { $type: "string" as const },
});
