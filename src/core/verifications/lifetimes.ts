import { DAY, MINUTE } from "#core/clock.ts";
import type { VerificationPurpose } from "#core/repositories/verifications.ts";

/** How long a code works, in seconds. */
export const CODE_LIFETIME_SECONDS = 10 * MINUTE;

/**
 * How long a link works, in seconds. A code in the same message works as long. Links go by mail only, so everything that is
 * sent by SMS ends with the code.
 */
const LINK_LIFETIMES: Readonly<Record<VerificationPurpose, number>> = {
  sign_in: CODE_LIFETIME_SECONDS,
  register: DAY,
  verify_identifier: DAY,
  reset_password: 30 * MINUTE,
  mfa: CODE_LIFETIME_SECONDS,
  mfa_enrol: CODE_LIFETIME_SECONDS,
  invite: 7 * DAY,
  disown: 7 * DAY,
};

/** How long a verification works, in seconds. @param hasLink whether its message contains a link */
export const lifetimeOf = (purpose: VerificationPurpose, hasLink: boolean): number =>
  hasLink ? LINK_LIFETIMES[purpose] : CODE_LIFETIME_SECONDS;
