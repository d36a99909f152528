import { setTimeout as wait } from "node:timers/promises";
import type { BillingSettings } from "#core/billing/config.ts";
import { type Access, findAccess } from "#core/billing/subscriptions/subscription.ts";
import {
  type ExtensionCore,
  finishExtension,
  isEndScheduledByOwner,
  withEnd,
} from "#core/billing/trials/extend_trial.ts";
import type { TrialAccess } from "#core/billing/trials/trial_access.ts";
import { isUsed } from "#core/billing/trials/used.ts";
import { DAY } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { trialEvent } from "#core/events/billing_events.ts";
import type { EventSource } from "#core/events/event_source.ts";
import { describeFailure } from "#core/log.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";
import type { Trial } from "#core/repositories/trials.ts";

/** A status call waits for Stripe at most this long, as for the billing portal. */
const LIMIT_MS = 2_000;

/** The dependencies of the use of a trial. */
export type UseCore = ExtensionCore & Pick<Core, "log"> & { billing: BillingSettings };

/**
 * Marks the trial that grants an access as used. At its first use a trial gets its full length from that moment. The
 * new end is stored before the request to Stripe, so that the response shows it even if Stripe fails; the next status
 * call or event of the subscription then sends it to Stripe (contract 1.7). The entitlement promises this end too: if
 * Stripe ends the trial before it is asked again, the trial can start again until then (`judgeTrial`).
 * @param found the result of `requireTrialAccess` with `isUse`
 * @param source who uses it
 * @returns the access as it is now
 * @throws NestError `no_active_subscription` if Stripe has ended the trial; `unavailable` if it was renewed meanwhile
 */
export async function recordTrialUse(
  core: UseCore,
  { access, trial: found }: TrialAccess,
  source: EventSource,
  now: Date,
): Promise<Access> {
  if (!found) return access;
  const { subscription } = access;
  const trial = isUsed(found) ? found : await markUsed(core, { seen: found, subscription, source }, now);
  const { pendingEndsAt = null } = trial;
  if (pendingEndsAt === null)
    return wasReadBefore(trial, subscription) ? moveEnd(access, trial.endsAt, now) : access;
  await core.subscriptions.extendTrial(subscription, pendingEndsAt, now.toISOString());
  const refusal = await sendPendingEnd(core, trial, subscription);
  if (refusal === null) return moveEnd(access, pendingEndsAt, now);
  const left = findAccess([refusal], now);
  if (!left) throw new NestError("no_active_subscription");
  return left;
}

/** Whether another call used a trial, and so moved its end, after the record of its subscription was read. */
function wasReadBefore({ usedAt }: Trial, { updatedAt }: Subscription): boolean {
  return usedAt != null && (updatedAt === null || updatedAt < usedAt);
}

/**
 * The end of a trial that is used from `now` on, in whole seconds as Stripe's times.
 * @returns `pendingEndsAt` null if the end stays: its owner scheduled it, or it would not be later
 */
export function endOfUse(
  subscription: Pick<Subscription, "endsAt" | "cancelAt" | "cancelType" | "isEndScheduledByNest">,
  trialDays: number,
  now: Date,
): { endsAt: string; pendingEndsAt: string | null } {
  const seconds = Math.floor(now.getTime() / 1000) + trialDays * DAY;
  const moved = new Date(seconds * 1000).toISOString();
  const { endsAt } = subscription;
  return isEndScheduledByOwner(subscription) || moved <= endsAt
    ? { endsAt, pendingEndsAt: null }
    : { endsAt: moved, pendingEndsAt: moved };
}

/** Marks the trial as used, unless a concurrent call did. @throws NestError `unavailable` if it was renewed meanwhile */
async function markUsed(
  core: UseCore,
  { seen, subscription, source }: { seen: Trial; subscription: Subscription; source: EventSource },
  now: Date,
): Promise<Trial> {
  const { stpSubscriptionId } = subscription;
  const use = { ...endOfUse(subscription, core.billing.trialDays, now), stpSubscriptionId };
  const at = now.toISOString();
  const used = trialEvent("trial.used", { ...seen, stpSubscriptionId }, source, at);
  const marked = await core.trials.markUsed(seen, use, at, [used]);
  if (marked) return marked;
  const present = await core.trials.find(seen._id);
  if (present?.usedAt && present.stpSubscriptionId === subscription.stpSubscriptionId) return present;
  throw new NestError("unavailable", { detail: "the trial changed meanwhile" });
}

/** The access with the moved end of its trial, unless its owner scheduled the end. */
function moveEnd(access: Access, end: string | null, now: Date): Access {
  const { subscription } = access;
  if (end === null || isEndScheduledByOwner(subscription) || end <= subscription.endsAt) return access;
  return findAccess([withEnd(subscription, end)], now) ?? access;
}

/**
 * Moves the end at Stripe within the time limit. A failure is logged only: the end stays pending.
 * @returns the record as it is at Stripe if Stripe's subscription can't be extended, else null
 */
async function sendPendingEnd(
  core: UseCore,
  trial: Trial,
  subscription: Subscription,
): Promise<Subscription | null> {
  const isDone = new AbortController();
  const late = wait(LIMIT_MS, null, { signal: isDone.signal }).catch(() => null);
  const finished = finishExtension(core, trial, subscription.stpSubscriptionId).catch((error: unknown) => {
    core.log.warn("trial_extension_failed", { trial_id: trial._id, ...describeFailure(error) });
    return null;
  });
  const refusal = await Promise.race([finished, late]);
  isDone.abort();
  return refusal;
}
