import type { MfaChallenge } from "#core/repositories/mfa_challenges.ts";

interface MissingFactor {
  code: "second_factor_missing" | "second_factor_required";
  at: string;
  about: string;
  what: string;
}

/**
 * Says what a sign-in lacked that stopped after a correct first factor. Without this event, the redeemed link or code looks like a
 * sign-in. A sign-in whose second factor was correct has a session, and a step-up is no sign-in.
 * @param now ISO
 */
export function missingFactors(
  { _id: about, purpose, createdAt: at, expiresAt, usedAt, attempts }: MfaChallenge,
  now: string,
): MissingFactor[] {
  if (purpose === "enrol") {
    const what = "the first factor was right, but the client requires a second factor and the user had none";
    return [{ code: "second_factor_required", at, about, what }];
  }
  if (purpose === "step_up" || usedAt !== null) return [];
  const lacks =
    attempts > 0 ? "no correct second factor was presented" : "the second factor was not presented";
  const end = expiresAt > now ? " yet" : ", so the sign-in failed";
  return [{ code: "second_factor_missing", at, about, what: `the first factor was right, ${lacks}${end}` }];
}
