import { DAY, plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import type { Session } from "#core/repositories/sessions.ts";
import type { Trial } from "#core/repositories/trials.ts";

/** No access token lives longer (contract 1.2), and every refresh is noted on its session. */
const LONGEST_UNHEARD_SECONDS = 10 * DAY;

type RenewalCore = Pick<Core, "clock" | "sessions" | "trials">;

/**
 * Makes room for another subscription of a trial whose own ended before anybody came for it: it was wasted by whoever
 * started it, and its owner gets another (contract 1.3).
 * @param endedAt when the subscription that the trial names ended
 * @returns null if its owner had it, or a request beside this one was faster
 */
export async function renewWasted(core: RenewalCore, trial: Trial, endedAt: string): Promise<Trial | null> {
  if (trial.stpSubscriptionId === null || (await wasHad(core, trial, endedAt))) return null;
  const now = core.clock.now().toISOString();
  return core.trials.renew(trial._id, trial.stpSubscriptionId, secondAfter(endedAt), now);
}

/**
 * Whether somebody had a trial before it ended: they signed in by then, or were signed in when it was made, on whatever
 * machine, and needed no link of the trial to use it. An app that forgot its tokens long before signs nobody in.
 */
export async function wasHad(
  core: Pick<Core, "sessions">,
  { redeemedAt, signedInAt, userId, createdAt }: Trial,
  endedAt: string,
): Promise<boolean> {
  if (redeemedAt !== null || (signedInAt !== null && signedInAt < secondAfter(endedAt))) return true;
  const sessions = await core.sessions.listByUser(userId);
  return sessions.some((session) => session.createdAt <= createdAt && goodUntil(session) >= createdAt);
}

/** Until when an access token of a session can have been good, as far as is known. */
function goodUntil({ lastUsedAt, expiresAt, revokedAt }: Session): string {
  const unheard = plusSeconds(new Date(lastUsedAt), LONGEST_UNHEARD_SECONDS).toISOString();
  const end = revokedAt ?? expiresAt;
  return unheard < end ? unheard : end;
}

/** Stripe's times have whole seconds: a sign-in in the last one came before the end. */
function secondAfter(iso: string): string {
  return plusSeconds(new Date(iso), 1).toISOString();
}
