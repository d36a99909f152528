/** Matches active identifiers that start with a prefix. @param after the value after which the page starts; null: the first page */
export function startingWith<Type extends string>(
  identifierType: Type,
  prefix: string,
  after: string | null,
) {
  // The last code point: what starts with the prefix is below the prefix followed by it.
  const from = after === null ? { $gte: prefix } : { $gt: after };
  return { identifierType, identifierValue: { ...from, $lt: `${prefix}\u{10FFFF}` }, removedAt: null };
}
