import { isUsed } from "#core/billing/trials/used.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import type { Trial } from "#core/repositories/trials.ts";

type RenewalCore = Pick<Core, "clock" | "trials">;

/**
 * Lets a trial whose subscription ended start again, so that another subscription can be created: with its full length if
 * nobody used it, until its end if a purchase displaced it or Stripe ended it while a later end was pending. A stranger
 * may have started the trial or bought with the address, and its owner must not lose the trial for that (contract 1.7).
 * @param trial a trial that may start, by `judgeTrial`
 * @returns the trial; null if another request was first
 * @throws NestError `unavailable` if the trial was removed meanwhile
 */
export async function startAgain(
  core: RenewalCore,
  trial: Trial,
  isFromKnownDevice: boolean,
): Promise<Trial | null> {
  const { _id, stpSubscriptionId } = trial;
  if (stpSubscriptionId === null) return null;
  const now = core.clock.now().toISOString();
  const again = isUsed(trial)
    ? await core.trials.restart(trial, isFromKnownDevice, now)
    : await core.trials.renew(_id, stpSubscriptionId, isFromKnownDevice, now);
  if (again) return again;
  const present = await core.trials.find(_id);
  if (present && !present.removal) return null;
  throw new NestError("unavailable", { detail: "the trial was removed" });
}
