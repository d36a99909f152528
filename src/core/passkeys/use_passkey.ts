import type { RelyingParty } from "#core/app/passkey_settings.ts";
import type { Core } from "#core/core.ts";
import type { Refusal } from "#core/passkeys/client_data.ts";
import type { Assertion } from "#core/passkeys/credential.ts";
import type { MfaFactor } from "#core/repositories/mfa_factors.ts";

/** What a presented signature must match. */
export interface PresentedPasskey {
  party: RelyingParty;
  /** SHA-256 of the challenge; absent: none was made. */
  challengeHash: string | undefined;
  /** The id of what the challenge belongs to. */
  by: string;
  /** Whether the passkey takes the place of both factors. */
  isAlone: boolean;
}

/**
 * Verifies a signature of a passkey of a user, and stores its counter. A counter that has not grown shows that somebody has a copy of
 * the passkey: the signature is refused.
 * @returns why the signature is refused; null if it is correct
 */
export async function usePasskey(
  { mfaFactors, log }: Pick<Core, "log" | "mfaFactors">,
  { _id, userId, passkey }: MfaFactor,
  assertion: Assertion,
  { party, challengeHash, by, isAlone, now }: PresentedPasskey & { now: Date },
): Promise<Refusal | null> {
  if (passkey?.rpId !== party.rpId) return "response";
  if (challengeHash === undefined) return "challenge";
  const { verifyAssertion } = await import("#core/passkeys/verify_assertion.ts");
  const judged = await verifyAssertion(assertion, { party, challengeHash, userId, passkey, isAlone });
  if (typeof judged === "string") return judged;
  if (await mfaFactors.usePasskey(_id, { ...judged, by, now: now.toISOString() })) return null;
  log.warn("passkey_counter_refused", { user_id: userId, factor_id: _id });
  return "counter";
}
