import type { Identifier, IdentifierType } from "#core/repositories/identifiers.ts";
import { isVerified } from "#core/repositories/verified_identifier.ts";

/**
 * The user's primary identifier of a type, among those that are verified and not removed: the one that the user chose last, else
 * the oldest.
 * @param identifiers every identifier of the user, the oldest first
 * @returns null if the user has none
 */
export function primaryOf<Known extends Identifier>(
  identifiers: readonly Known[],
  type: IdentifierType,
): Known | null {
  const [first = null, ...others] = identifiers.filter(
    (identifier) => identifier.identifierType === type && isVerified(identifier),
  );
  return others.reduce(
    (chosen, next) => ((next.primarySince ?? "") > (chosen?.primarySince ?? "") ? next : chosen),
    first,
  );
}

/**
 * The user's primary email address. A user who has verified none has the address of their registration.
 * @param identifiers the oldest first
 * @returns null if the user has none
 */
export function emailOf(identifiers: readonly Identifier[]): string | null {
  const claimed = identifiers.find(
    ({ identifierType, removedAt }) => identifierType === "email" && removedAt === null,
  );
  return (primaryOf(identifiers, "email") ?? claimed)?.identifierValue ?? null;
}
