import { DAY, plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import type { Session } from "#core/repositories/sessions.ts";
import type { Trial } from "#core/repositories/trials.ts";

/** The longest lifetime of an access token (contract 1.2). Every refresh is recorded on the session. */
const LONGEST_SILENCE_SECONDS = 10 * DAY;

type RenewalCore = Pick<Core, "clock" | "sessions" | "trials">;

/**
 * Renews a trial whose subscription ended before its owner used it, so that another subscription can be created. A
 * stranger may have started the trial, and its owner must not lose it for that (contract 1.3).
 * @param endedAt when the subscription that the trial names ended
 * @returns the renewed trial; null if its owner used it, or a concurrent request renewed it first
 */
export async function renewIfUnused(core: RenewalCore, trial: Trial, endedAt: string): Promise<Trial | null> {
  if (trial.stpSubscriptionId === null) return null;
  if (wasUsed(trial, await core.sessions.listByUser(trial.userId), endedAt)) return null;
  const now = core.clock.now().toISOString();
  return core.trials.renew(trial._id, trial.stpSubscriptionId, secondAfter(endedAt), now);
}

/**
 * Whether the owner of a trial could use it before it ended: they signed in by then, or were signed in already when it
 * was created, on any device. A session whose access tokens had all expired by then does not count.
 * @param sessions all sessions of the trial's user
 */
export function wasUsed(
  { redeemedAt, signedInAt, createdAt }: Trial,
  sessions: readonly Session[],
  endedAt: string,
): boolean {
  if (redeemedAt !== null || (signedInAt !== null && signedInAt < secondAfter(endedAt))) return true;
  return sessions.some((session) => session.createdAt <= createdAt && validUntil(session) >= createdAt);
}

/** The latest time at which an access token of a session can have been valid, as far as is known. */
function validUntil({ lastUsedAt, expiresAt, revokedAt }: Session): string {
  const silentUntil = plusSeconds(new Date(lastUsedAt), LONGEST_SILENCE_SECONDS).toISOString();
  const end = revokedAt ?? expiresAt;
  return silentUntil < end ? silentUntil : end;
}

/** Stripe's times have whole seconds: a sign-in within the last second came before the end. */
function secondAfter(iso: string): string {
  return plusSeconds(new Date(iso), 1).toISOString();
}
