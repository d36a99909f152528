import type { Caller } from "#core/call.ts";
import { MINUTE } from "#core/clock.ts";
import { NestError } from "#core/errors.ts";

/** For how long a sign-in counts as fresh: the access policy `fresh_own_user` requires it. */
export const FRESH_SECONDS = 10 * MINUTE;

/**
 * Checks that a user signed in a short time ago. A stolen session is usually older. Other callers pass.
 * @throws NestError reauthentication_required
 */
export function requireFresh(caller: Caller, now: Date): void {
  if (caller.kind !== "user") return;
  const age = caller.authTime === undefined ? Number.NaN : now.getTime() - Date.parse(caller.authTime);
  if (!(age <= FRESH_SECONDS * 1000)) throw new NestError("reauthentication_required");
}

/**
 * Checks that a user presented a second factor within the last 10 minutes, at the sign-in or with `create_mfa_challenge`.
 * @throws NestError reauthentication_required
 */
export function requireFreshSecondFactor(caller: Caller, now: Date): void {
  requireFresh(caller, now);
  if (caller.kind === "user" && !caller.amr?.includes("mfa"))
    throw new NestError("reauthentication_required");
}
