import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import { NestError } from "#core/errors.ts";
import type { FactorOwner } from "#core/factors/factor_owner.ts";
import { canAsk, clientsShutOutBy, type JudgedFactor } from "#core/factors/ways_in.ts";
import { challengeEnded } from "#core/mfa/challenge.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { FactorType, MfaFactor } from "#core/repositories/mfa_factors.ts";
import { primaryOf } from "#core/users/email_of.ts";
import { mayAddIdentifiers } from "#core/users/first_proof.ts";

/** The most factors of a user. */
export const FACTORS_LIMIT = 10;

/** What a user has before a factor is added. */
export interface BeforeFactor {
  owner: Pick<FactorOwner, "client" | "isEnrolling">;
  factors: readonly MfaFactor[];
  identifiers: readonly Identifier[];
  /** Every client of the app. */
  clients: readonly OAuthClient[];
}

/**
 * Decides whether a user may add a factor, without I/O. A user whose addresses and numbers are all unverified may not: a stranger who
 * registered another person's address must not be able to lock its owner out. A user who has only accounts at OAuth providers may.
 * @param confirm whether the user accepts that some clients can't sign them in any more
 * @throws NestError factor_type_not_allowed, own_address_not_verified, too_many_factors, mfa_confirmation_required;
 *   mfa_token_expired if the person who enrols has a factor meanwhile
 */
export function judgeNewFactor(
  { owner, factors, identifiers, clients }: BeforeFactor,
  { factorType, confirm }: { factorType: FactorType; confirm: boolean },
): void {
  const { mfa, passkeys } = owner.client;
  if (!mfa.factors.includes(factorType) || (factorType === "webauthn" && passkeys === null))
    throw new NestError("factor_type_not_allowed");
  const added = { factorType, ...(factorType === "webauthn" && passkeys && { passkey: passkeys }) };
  // Nobody could present it.
  if (!clients.some((client) => canAsk(client, [added]))) throw new NestError("factor_type_not_allowed");
  if (!mayAddIdentifiers(identifiers)) throw new NestError("own_address_not_verified");
  const active = factors.filter(({ status }) => status === "active");
  if (owner.isEnrolling && active.length > 0) throw challengeEnded();
  if (!hasRoom(active)) throw new NestError("too_many_factors");
  if (!confirm) requireNoneShutOut(clients, { before: active, after: [...active, added] });
}

/** Whether a user can have a factor more. @param others the active factors of the user besides it */
export const hasRoom = (others: readonly MfaFactor[]): boolean => others.length < FACTORS_LIMIT;

/**
 * Refuses a change of a user's factors that shuts clients out: they can't ask for any factor that the user would have. Without I/O.
 * @throws NestError mfa_confirmation_required
 */
export function requireNoneShutOut(
  clients: readonly OAuthClient[],
  change: { before: readonly JudgedFactor[]; after: readonly JudgedFactor[] },
): void {
  const clientsShutOut = clientsShutOutBy(clients, change);
  if (clientsShutOut.length > 0)
    throw new NestError("mfa_confirmation_required", { meta: { clients: clientsShutOut } });
}

/**
 * The address to which a factor of the type `email` sends: the user's own primary address, never one of the request.
 * @throws NestError own_address_not_verified
 */
export function ownAddress(identifiers: readonly Identifier[]): string {
  const primary = primaryOf(identifiers, "email");
  if (!primary?.verifiedAt) throw new NestError("own_address_not_verified");
  return primary.identifierValue;
}
