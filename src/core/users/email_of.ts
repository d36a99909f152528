import type { Identifier } from "#core/repositories/identifiers.ts";

/**
 * The user's main email address: the oldest address that the user has verified and not removed.
 * @param identifiers every identifier of the user, the oldest first
 * @returns null if the user has none
 */
export function emailOf(identifiers: readonly Identifier[]): string | null {
  const proved = identifiers.find(
    ({ identifierType, verifiedAt, removedAt }) =>
      identifierType === "email" && verifiedAt !== null && removedAt === null,
  );
  return proved?.identifierValue ?? null;
}
