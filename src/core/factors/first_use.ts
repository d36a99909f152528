import { NestError } from "#core/errors.ts";
import type { FactorOwner } from "#core/factors/factor_owner.ts";
import type { FactorKeys } from "#core/mfa/factor_keys.ts";
import { isCodeOf, stepOf } from "#core/mfa/totp.ts";
import type { NewCredential } from "#core/passkeys/credential.ts";
import type { FactorActivation, MfaFactor } from "#core/repositories/mfa_factor_document.ts";
import type { CodeKey } from "#core/verifications/code_key.ts";

/** What a user presents of a new factor: its first code, or the passkey that the browser made. */
export type FirstUse = { code: string } | { credential: NewCredential };

export interface FirstUseCore {
  codeKey: CodeKey;
  factorKeys: FactorKeys;
}

/**
 * Checks what a user presents of a new factor.
 * @returns what the factor stores of it
 * @throws NestError mfa_failed
 */
export async function judgeFirstUse(
  core: FirstUseCore,
  { client }: FactorOwner,
  factor: MfaFactor,
  { presented, now }: { presented: FirstUse; now: Date },
): Promise<FactorActivation["proof"]> {
  const isPasskey = factor.factorType === "webauthn";
  if ("code" in presented) {
    if (isPasskey) throw new NestError("mfa_failed");
    const step = judgeCode(core, factor, presented.code, now);
    return step === null ? {} : { step };
  }
  const { challengeHash, passkey: earlier } = factor;
  if (!isPasskey || client.passkeys === null || challengeHash === undefined)
    throw new NestError("mfa_failed");
  const { verifyRegistration } = await import("#core/passkeys/verify_registration.ts");
  const passkey = await verifyRegistration(presented.credential, { party: client.passkeys, challengeHash });
  if (typeof passkey === "string") throw new NestError("mfa_failed", { detail: `new passkey: ${passkey}` });
  // A repeated call presents the passkey that activated it.
  if (earlier && earlier.credentialId !== passkey.credentialId) throw new NestError("mfa_failed");
  return { passkey };
}

/** @returns the time step of the code; null for a code that was sent. @throws NestError mfa_failed */
function judgeCode(
  { codeKey, factorKeys }: FirstUseCore,
  { _id, userId, factorType, seed, codeHash, lastStep }: MfaFactor,
  code: string,
  now: Date,
): number | null {
  if (factorType !== "totp") {
    if (!codeKey.matches(_id, code, codeHash ?? null)) throw new NestError("mfa_failed");
    return null;
  }
  const opened = seed === undefined ? null : factorKeys.open(userId, seed);
  if (opened === null) throw new NestError("mfa_failed");
  // A repeated call presents the code that activated it, which the app may show no more.
  const repeated = lastStep !== undefined && isCodeOf(opened, code, lastStep) ? lastStep : null;
  const step = lastStep === undefined ? stepOf(opened, code, now) : repeated;
  if (step === null) throw new NestError("mfa_failed");
  return step;
}
