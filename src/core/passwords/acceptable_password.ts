import type { Identifier } from "#core/repositories/identifiers.ts";
import type { Password } from "#core/repositories/passwords.ts";

/**
 * The password of the user of an identifier, if it is the user's, without I/O. A provisional one is after its registration is
 * complete, and until the owner of the address proves it: the registration may not have been able to remove it.
 * @param password null if the user has none
 */
export function acceptablePassword(
  { verifiedAt, registration }: Pick<Identifier, "verifiedAt" | "registration">,
  password: Password | null,
): Password | null {
  const isClaimants = verifiedAt === null && registration === undefined;
  return password?.isProvisional && !isClaimants ? null : password;
}

/**
 * The password of a user, if it is the user's, without I/O.
 * @param identifiers all of the user's; removed ones don't count
 * @param password null if the user has none
 */
export function ownPassword(
  identifiers: readonly Pick<Identifier, "verifiedAt" | "removedAt" | "registration">[],
  password: Password | null,
): Password | null {
  const active = identifiers.filter(({ removedAt }) => removedAt === null);
  return active.every((identifier) => acceptablePassword(identifier, password)) ? password : null;
}
