import type { RelyingParty } from "#core/app/passkey_settings.ts";
import { isNumberOf } from "#core/mfa/reset_channel.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { MfaChallenge } from "#core/repositories/mfa_challenges.ts";
import type { FactorType, MfaFactor } from "#core/repositories/mfa_factors.ts";
import type { AuthenticationMethod } from "#core/repositories/sessions.ts";
import { isVerified } from "#core/repositories/verified_identifier.ts";

/** A factor that a person may present. */
export interface OfferedFactor {
  id: string;
  factorType: FactorType;
  /** What the person recognizes it by, such as the end of the number; null for an authenticator app and a passkey. */
  hint: string | null;
}

/** The first factor of a sign-in, or how the person of a session signed in. */
export type FirstProof = Pick<
  MfaChallenge,
  "purpose" | "identifierType" | "identifierValue" | "amr" | "resetBy"
>;

/**
 * Lists the factors that may follow a first factor, without I/O. Two proofs by the same channel count as one factor: mail can't follow
 * a mailed link or code, and an SMS can't follow an SMS to the same number. A password that was reset by mail or SMS counts as mail or
 * SMS. An account at a provider counts as mail, because its password can be reset by mail. A recovery code may always follow.
 * @param party where the client uses passkeys: those of other domains are not offered
 */
export function offeredFactors(
  factors: readonly MfaFactor[],
  first: FirstProof,
  party: RelyingParty | null,
): MfaFactor[] {
  return factors.filter(
    (factor) => factor.status === "active" && canFollow(factor, first) && isUsable(factor, party),
  );
}

/** Whether a factor is of another channel than a first factor, so that it may follow. */
export const canFollow = (
  factor: Pick<MfaFactor, "factorType" | "identifierValue">,
  first: FirstProof,
): boolean => !isSameChannel(factor, first);

const isUsable = ({ factorType, passkey }: MfaFactor, party: RelyingParty | null) =>
  factorType !== "webauthn" || (party !== null && passkey?.rpId === party.rpId);

function isSameChannel(
  { factorType, identifierValue }: Pick<MfaFactor, "factorType" | "identifierValue">,
  first: FirstProof,
): boolean {
  if (factorType === "totp" || factorType === "webauthn") return false;
  if (provesKnowledge(first.amr)) {
    const { resetBy } = first;
    return factorType === "email" ? resetBy?.type === "email" : isNumberOf(resetBy, identifierValue);
  }
  if (first.purpose === "step_up" && first.amr.includes("mfa")) return false;
  const isByMail =
    first.identifierType === "email" || first.amr.includes("link") || first.amr.includes("fed");
  if (factorType === "email") return isByMail || first.purpose === "step_up";
  // A session does not say to which number its code went.
  return first.purpose === "step_up" ? first.amr.includes("otp") : identifierValue === first.identifierValue;
}

const provesKnowledge = (amr: readonly AuthenticationMethod[]) => amr.includes("pwd");

/** Whether the user can receive a code of the factor. Mail goes only to an address that the user has verified and not removed. */
export const isReceived = (
  { factorType, identifierValue }: Pick<MfaFactor, "factorType" | "identifierValue">,
  identifiers: readonly Pick<Identifier, "identifierValue" | "verifiedAt" | "removedAt">[],
): boolean =>
  factorType !== "email" ||
  identifiers.some((one) => one.identifierValue === identifierValue && isVerified(one));

/**
 * Translates factors to what a person chooses from. A factor whose address the user has removed still protects the user, but nobody can
 * present it.
 * @param identifiers of the user
 */
export const toOffered = (
  factors: readonly MfaFactor[],
  identifiers: readonly Identifier[],
): OfferedFactor[] =>
  factors
    .filter((factor) => isReceived(factor, identifiers))
    .map(({ _id: id, factorType, identifierValue }) => ({
      ...{ id, factorType, hint: identifierValue === undefined ? null : hintOf(identifierValue) },
    }));

/** Enough of an address or number for its owner to recognize it. */
export function hintOf(identifierValue: string): string {
  const [name = "", domain] = identifierValue.split("@");
  return domain === undefined ? `•••${identifierValue.slice(-3)}` : `${name.slice(0, 1)}•••@${domain}`;
}

/** `factors` as an error names them. */
export const offeredToWire = (offered: readonly OfferedFactor[]) =>
  offered.map(({ id, factorType, hint }) => ({ id, factor_type: factorType, hint }));

/** How the person of a session that two factors proved signed in (RFC 8176). */
export function amrWith(
  first: readonly AuthenticationMethod[],
  factorType: FactorType | "recovery_code",
): AuthenticationMethod[] {
  const own = factorType === "sms" ? "sms" : factorType === "webauthn" ? "pop" : "otp";
  return [...new Set<AuthenticationMethod>([...first, own, "mfa"])];
}
