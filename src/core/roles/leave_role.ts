import { type Clock, MINUTE, plusSeconds } from "#core/clock.ts";
import { type ErrorCode, NestError } from "#core/errors.ts";
import { newId } from "#core/ids.ts";
import type { Leaving } from "#core/repositories/leaving.ts";

/** The document that decides between holders of a role who leave at once, and where to look for others. */
export interface HolderGuard {
  read(): Promise<{ version: number; leaving: readonly Leaving[] }>;
  /** Stores who is leaving, if nobody stored a decision since `version` was read. */
  decide(version: number, leaving: Leaving): Promise<boolean>;
  /** Forgets a change, and changes that began until a time. */
  settle(changeId: string, until: string): Promise<void>;
  /** Whether a holder stays. @param exceptIds users who do not count */
  hasHolder(exceptIds: readonly string[]): Promise<boolean>;
  /** The error if nobody else has the role. */
  refusal: ErrorCode;
}

/** Longer than any call: after it, the change was made or will never be. */
const LONGEST_CHANGE_SECONDS = 10 * MINUTE;
/**
 * Each attempt that fails means that another call decided, and a call decides again only if its member changed meanwhile. So this is
 * enough for 50 calls at once, however slow they are.
 */
const ATTEMPTS = 250;

/**
 * Makes a change that takes a role from its holder, if another holder stays. Holders are documents of their own, and no condition of
 * a write can look at two of them. So the decision is stored first, in one document: a holder who is leaving counts for no other
 * decision. Of holders who remove each other at once, one stays.
 * @param change makes the change, or finds that it can't be made after all
 * @returns what `change` returned
 * @throws NestError the refusal of the guard, unavailable
 */
export async function leaveRole<Result>(
  clock: Clock,
  guard: HolderGuard,
  userId: string,
  change: () => Promise<Result>,
): Promise<Result> {
  const changeId = await decide(clock, guard, userId);
  // If this fails, it is unknown whether the change is made: the user does not count until that is certain.
  const result = await change();
  await guard.settle(changeId, leftUntil(clock));
  return result;
}

/** Changes that began until then have ended. */
export const leftUntil = (clock: Clock) => plusSeconds(clock.now(), -LONGEST_CHANGE_SECONDS).toISOString();

/** @returns the id of the stored decision */
async function decide(clock: Clock, guard: HolderGuard, userId: string): Promise<string> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const until = leftUntil(clock);
    const { version, leaving } = await guard.read();
    const others = leaving.filter(({ at }) => at > until);
    // After the guard was read: somebody who has left since is none of the holders, or the version is another.
    if (!(await guard.hasHolder([userId, ...others.map((one) => one.userId)])))
      throw new NestError(guard.refusal);
    const own = { changeId: newId("event"), userId, at: clock.now().toISOString() };
    if (await guard.decide(version, own)) return own.changeId;
  }
  throw new NestError("unavailable", { detail: "other calls took the role from others" });
}
