import type Stripe from "stripe";
import type { BillingSettings } from "#core/billing/config.ts";
import { advanceRecord } from "#core/billing/subscriptions/advance_record.ts";
import { readFullState } from "#core/billing/subscriptions/paid_period.ts";
import { isScheduledByNest, readProduct } from "#core/billing/subscriptions/stripe_state.ts";
import { retrieveSubscription } from "#core/billing/subscriptions/stripe_subscription.ts";
import { withAttemptKey } from "#core/billing/trials/attempt.ts";
import type { Core } from "#core/core.ts";
import type { Subscription, SubscriptionState } from "#core/repositories/subscriptions.ts";
import type { Trial } from "#core/repositories/trials.ts";
import type { StripeApi } from "#core/services/stripe.ts";

/** The dependencies of moving the end of a trial at Stripe. */
export type ExtensionCore = Pick<Core, "clock" | "subscriptions" | "trials"> & {
  stripe: StripeApi;
  billing: Pick<BillingSettings, "productIds" | "pastDueDays">;
};

/**
 * Keeps the pending end of a trial in the state that is stored from Stripe, so that a late event does not move the end
 * back (contract 1.7).
 * @param trial as it was before the state was read from Stripe
 */
export function keepPendingEnd(state: SubscriptionState, trial: Trial | null): SubscriptionState {
  const end = trial?.pendingEndsAt ?? null;
  const isRunning = state.status === "trialing" && !state.isOtherProduct && !isEndScheduledByOwner(state);
  return end !== null && isRunning && end > state.endsAt ? withEnd(state, end) : state;
}

/** The fields that decide when a running trial ends. */
type EndOfTrial = Pick<Subscription, "endsAt" | "cancelAt" | "cancelType" | "isEndScheduledByNest">;

/** Whether the owner of a trial scheduled its end, so that it does not move. */
export function isEndScheduledByOwner({ cancelAt, cancelType, isEndScheduledByNest }: EndOfTrial): boolean {
  return (cancelAt !== null || cancelType !== null) && isEndScheduledByNest !== true;
}

/** The same trial with another end. A scheduled end moves with it. */
export function withEnd<Ending extends EndOfTrial>(trial: Ending, endsAt: string): Ending {
  return { ...trial, endsAt, cancelAt: trial.cancelAt === null ? null : endsAt };
}

/**
 * Moves the end of a used trial at Stripe, if the move is pending. Safe to repeat and to call concurrently. If Stripe
 * ended the trial first, the end stays pending: the trial may start again until then (`judgeTrial`). If a purchase
 * displaced it first, the trial keeps the moved end for the same reason.
 * @param id Stripe's id of the trial's subscription
 * @returns the record with Stripe's state if Stripe's subscription can't be extended anymore, else null
 * @throws NestError `stripe_error`, `unavailable`; then the end stays pending
 */
export async function finishExtension(
  core: ExtensionCore,
  trial: Trial,
  id: string,
): Promise<Subscription | null> {
  const { pendingEndsAt } = trial;
  if (pendingEndsAt == null) return null;
  const record = await core.subscriptions.findByStripeId(id);
  const current = await retrieveSubscription(core, id);
  const decision = judgeExtension(current, trial, pendingEndsAt);
  if (decision === "extend" && current) await extend(core, trial, current);
  const isOver = decision === "refuse" || decision === "too_late";
  const restored = isOver && current && record ? await restore(core, record, current) : null;
  if (decision === "too_late") return restored;
  const isEndOfStripe = restored !== null && restored.rejectedAt === null;
  await core.trials.settleEnd(trial._id, pendingEndsAt, isEndOfStripe ? restored.endsAt : pendingEndsAt);
  return restored;
}

/**
 * Decides whether Stripe's subscription gets a later end. Only a running trial that Nest made is extended: a paid
 * subscription would become a trial again, and a scheduled end is its owner's decision, unless Nest scheduled it.
 * @returns `too_late` if the trial ran out at Stripe and nobody canceled it
 */
export function judgeExtension(
  current: Stripe.Subscription | null,
  trial: Pick<Trial, "_id">,
  pendingEndsAt: string,
): "extend" | "done" | "refuse" | "too_late" {
  if (current && endedWithoutCancellation(current)) return "too_late";
  if (current?.status !== "trialing" || current.metadata.trial_id !== trial._id) return "refuse";
  const isScheduled = current.cancel_at !== null || current.cancel_at_period_end;
  if ((isScheduled && !isScheduledByNest(current)) || current.trial_end === null) return "refuse";
  return current.trial_end * 1000 < Date.parse(pendingEndsAt) ? "extend" : "done";
}

/**
 * Whether Stripe ended a trial at its end because it had no payment method, or because Nest scheduled its end. An owner's
 * cancellation ends a trial earlier, or is scheduled.
 */
function endedWithoutCancellation(current: Stripe.Subscription): boolean {
  const { status, trial_end, ended_at, cancel_at, cancel_at_period_end } = current;
  const isCanceled = (cancel_at !== null || cancel_at_period_end) && !isScheduledByNest(current);
  return (
    status === "canceled" && !isCanceled && trial_end !== null && ended_at !== null && ended_at >= trial_end
  );
}

async function extend(core: ExtensionCore, trial: Trial, current: Stripe.Subscription): Promise<void> {
  const trialEnd = Date.parse(trial.pendingEndsAt as string) / 1000;
  await withAttemptKey(core, trial, "extension", (_mayExist, idempotencyKey) =>
    core.stripe.request(
      (stripe, options) =>
        stripe.subscriptions.update(
          current.id,
          { ...laterEnd(current, trialEnd), proration_behavior: "none" },
          options,
        ),
      { idempotencyKey },
    ),
  );
}

/** Stripe does not document whether a scheduled end follows the end of the trial, so both are sent. */
function laterEnd(current: Stripe.Subscription, trialEnd: number) {
  if (isScheduledByNest(current)) return { trial_end: trialEnd, cancel_at: trialEnd };
  return { trial_end: trialEnd };
}

/** Stores Stripe's state, unless an event did meanwhile. */
async function restore(
  core: ExtensionCore,
  record: Subscription,
  current: Stripe.Subscription,
): Promise<Subscription | null> {
  const product = readProduct(current, core.billing.productIds, record);
  if (product === null) return null;
  const state = await readFullState(core, current, product);
  const written = await advanceRecord(core, record, state);
  return written ?? core.subscriptions.findByStripeId(current.id);
}
