import { MINUTE, plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { newId } from "#core/ids.ts";
import { ADMIN } from "#core/roles/built_in.ts";

type GuardCore = Pick<Core, "adminGuards" | "clock" | "users">;

/** Longer than any call: after it, the change was made or will never be. */
const LONGEST_CHANGE_SECONDS = 10 * MINUTE;
/** Each attempt that fails means that another call decided, so many are enough for many simultaneous calls. */
const ATTEMPTS = 50;

/**
 * Makes a change that takes an administrator away, if another one stays. Administrators are documents of their own, and no
 * condition of a write can look at two of them. So the decision is stored first, in one document: whoever is leaving counts for no
 * other decision. Of administrators who remove each other at once, one stays.
 * @param change makes the change; false if it was not made after all
 * @returns what `change` returned
 * @throws NestError last_admin, unavailable
 */
export async function leaveAdmins(
  core: GuardCore,
  userId: string,
  change: () => Promise<boolean>,
): Promise<boolean> {
  const changeId = await decide(core, userId);
  // If this fails, it is unknown whether the change is made: the user does not count until that is certain.
  const isMade = await change();
  await core.adminGuards.settle(changeId);
  return isMade;
}

/** @returns the id of the stored decision */
async function decide(core: GuardCore, userId: string): Promise<string> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const now = core.clock.now();
    const until = plusSeconds(now, -LONGEST_CHANGE_SECONDS).toISOString();
    const { version, leaving } = await core.adminGuards.read();
    const others = leaving.filter(({ at }) => at > until);
    // After the guard was read: somebody who has left since is none of the holders, or the version is another.
    const staying = await core.users.findActiveHolder(ADMIN, [userId, ...others.map((one) => one.userId)]);
    if (staying === null) throw new NestError("last_admin");
    const own = { changeId: newId("event"), userId, at: now.toISOString() };
    if (await core.adminGuards.decide(version, [...others, own])) return own.changeId;
  }
  throw new NestError("unavailable", { detail: "other calls removed administrators" });
}
