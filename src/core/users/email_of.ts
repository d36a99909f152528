import type { Identifier } from "#core/repositories/identifiers.ts";

/**
 * The address by which a user is known: the oldest one that the user proved and did not remove.
 * @param identifiers every identifier of the user, the oldest first
 * @returns null if the user has none
 */
export function emailOf(identifiers: readonly Identifier[]): string | null {
  const proved = identifiers.find(({ verifiedAt, removedAt }) => verifiedAt !== null && removedAt === null);
  return proved?.identifierValue ?? null;
}
