import type { RelyingParty } from "#core/app/passkey_settings.ts";
import type { Call } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { type AuditCore, auditNow } from "#core/events/audit_row.ts";
import { byHolder } from "#core/events/event_source.ts";
import { recoveryCodeUsed } from "#core/events/mfa_events.ts";
import { signInFailed } from "#core/events/sign_in_events.ts";
import { challengeEnded } from "#core/mfa/challenge.ts";
import type { FactorKeys } from "#core/mfa/factor_keys.ts";
import { offeredFactors } from "#core/mfa/offered_factors.ts";
import { hashRecoveryCode } from "#core/mfa/recovery_codes.ts";
import { isCodeOf, stepOf } from "#core/mfa/totp.ts";
import type { Assertion } from "#core/passkeys/credential.ts";
import { usePasskey } from "#core/passkeys/use_passkey.ts";
import type { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { MfaChallenge } from "#core/repositories/mfa_challenges.ts";
import type { FactorType, MfaFactor } from "#core/repositories/mfa_factors.ts";
import type { CodeKey } from "#core/verifications/code_key.ts";
import {
  type CountedCode,
  countCodeOfSession,
  countPresentedCode,
  releaseCorrectCode,
} from "#core/verifications/failure_limits.ts";

export type PresentCore = AuditCore &
  Pick<Core, "clock" | "log" | "mfaChallenges" | "mfaFactors" | "recoveryCodes"> & {
    codeKey: CodeKey;
    factorKeys: FactorKeys;
    rateLimiter: RateLimiter;
  };

/** What a person presents: a code of a factor, a signature of a passkey, or a recovery code. */
export type PresentedFactor =
  | { factorId: string; code: string }
  | { assertion: Assertion }
  | { recoveryCode: string };

/** How a factor is presented. */
export interface Presentation {
  /** Of the first factor. */
  reading: Promise<Identifier | null>;
  /** Where the client uses passkeys. */
  party: RelyingParty | null;
  now: Date;
  call: Call;
}

/** A second factor that was correct. */
export interface CorrectFactor {
  type: FactorType | "recovery_code";
  /** The recovery codes that are left, if one was used. */
  codesLeft: number | null;
}

/** Counts a code of six digits as a failure of the user, so that new challenges do not reset the count. @throws NestError rate_limited, unavailable */
function count(
  core: PresentCore,
  { userId: identity, purpose, sessionId, beakId }: MfaChallenge,
  reading: Promise<Identifier | null>,
  call: Call,
): Promise<CountedCode> {
  return purpose === "step_up"
    ? countCodeOfSession(core, { identity, sessionId })
    : countPresentedCode(core, { identity, beakId, call }, reading);
}

/**
 * Checks a presented second factor. It is counted before it is compared: on its challenge, which allows five, and if it can be guessed, for
 * its user, or for the session that becomes fresh. Nobody can guess a recovery code or a signature, so that a person who uses up the limit
 * of codes with the password does not stop the user from presenting these. A code or signature is accepted for one challenge only, which may present it again.
 * @throws NestError mfa_token_expired, mfa_failed, rate_limited, unavailable
 */
export async function presentFactor(
  core: PresentCore,
  challenge: MfaChallenge,
  presented: PresentedFactor,
  { reading, party, now, call }: Presentation,
): Promise<CorrectFactor> {
  const { _id, userId, clientId, purpose } = challenge;
  const at = now.toISOString();
  const [attempted] = await Promise.all([core.mfaChallenges.countAttempt(_id, at), reading]);
  if (attempted === null) throw challengeEnded();
  const counted = "code" in presented ? await count(core, challenge, reading, call) : null;
  const correct =
    "recoveryCode" in presented
      ? await useRecoveryCode(core, attempted, presented.recoveryCode, { at, call })
      : await useFactor(core, attempted, presented, { party, now });
  if (correct === null) {
    const refused = { userId, ...(purpose === "step_up" && { purpose }) };
    await auditNow(core, signInFailed({ _id, clientId }, refused, call, at), "mfa_failed");
    throw new NestError("mfa_failed");
  }
  if (counted !== null) await releaseCorrectCode(core, counted);
  return correct;
}

async function useFactor(
  core: PresentCore,
  challenge: MfaChallenge,
  presented: Exclude<PresentedFactor, { recoveryCode: string }>,
  { party, now }: Pick<Presentation, "party" | "now">,
): Promise<CorrectFactor | null> {
  const offered = offeredFactors(await core.mfaFactors.listActive(challenge.userId), challenge, party);
  if ("assertion" in presented) {
    const { assertion } = presented;
    const factor = offered.find(({ passkey }) => passkey?.credentialId === assertion.id);
    if (!factor || party === null) return null;
    const { _id: by, passkeyHash: challengeHash } = challenge;
    const refusal = await usePasskey(core, factor, assertion, {
      party,
      challengeHash,
      by,
      isAlone: false,
      now,
    });
    if (refusal !== null) core.log.info("passkey_refused", { user_id: challenge.userId, reason: refusal });
    return refusal === null ? { type: "webauthn", codesLeft: null } : null;
  }
  const { factorId, code } = presented;
  const factor = offered.find(({ _id }) => _id === factorId);
  if (!factor || factor.factorType === "webauthn") return null;
  const isCorrect =
    factor.factorType === "totp"
      ? await useTotp(core, challenge, { factor, code, now })
      : isSentCode(core, challenge, { factorId, code }) &&
        (await core.mfaFactors.use(factorId, now.toISOString()));
  return isCorrect ? { type: factor.factorType, codesLeft: null } : null;
}

async function useTotp(
  { factorKeys, mfaFactors }: PresentCore,
  { _id: by, userId }: MfaChallenge,
  { factor, code, now }: { factor: MfaFactor; code: string; now: Date },
): Promise<boolean> {
  const { _id, lastStep, lastStepBy } = factor;
  const seed = factor.seed === undefined ? null : factorKeys.open(userId, factor.seed);
  if (seed === null) return false;
  // A call that was lost is repeated later than the code is shown.
  const isRepeated = lastStep !== undefined && lastStepBy === by && isCodeOf(seed, code, lastStep);
  const step = isRepeated ? lastStep : stepOf(seed, code, now);
  return step !== null && mfaFactors.useStep(_id, { step, by, now: now.toISOString() });
}

/** What the code of a factor of a challenge is hashed with. */
export const sentCodeOwner = (challengeId: string, factorId: string) => `${challengeId} ${factorId}`;

function isSentCode(
  { codeKey }: PresentCore,
  { _id, sentCode }: MfaChallenge,
  { factorId, code }: { factorId: string; code: string },
): boolean {
  const hash = sentCode?.factorId === factorId ? sentCode.codeHash : null;
  return codeKey.matches(sentCodeOwner(_id, factorId), code, hash);
}

async function useRecoveryCode(
  core: PresentCore,
  { _id: by, userId, clientId, sessionId }: MfaChallenge,
  typed: string,
  { at, call }: { at: string; call: Call },
): Promise<CorrectFactor | null> {
  const event = recoveryCodeUsed(userId, byHolder({ userId, clientId, sessionId }, call), at);
  const left = await core.recoveryCodes.use(userId, { hash: hashRecoveryCode(typed), by }, [event]);
  return left && { type: "recovery_code", codesLeft: left.open.length };
}
