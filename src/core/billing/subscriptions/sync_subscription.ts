import type { EventCore } from "#core/billing/events/event_core.ts";
import { DONE, type Outcome, type SubscriptionEvent } from "#core/billing/events/outcome.ts";
import { admitSubscription } from "#core/billing/subscriptions/admit_subscription.ts";
import { advanceRecord } from "#core/billing/subscriptions/advance_record.ts";
import { mapCustomer } from "#core/billing/subscriptions/customer_mapping.ts";
import { followUp } from "#core/billing/subscriptions/follow_up.ts";
import { changedBack } from "#core/billing/subscriptions/ours_since.ts";
import { warnOfDeletedCustomer, warnOfPaidDuplicate } from "#core/billing/subscriptions/paid_duplicate.ts";
import { isPauseUnpaid, readFullState } from "#core/billing/subscriptions/paid_period.ts";
import { finishRejection, rejectEnded } from "#core/billing/subscriptions/rejection.ts";
import type { StripeReading } from "#core/billing/subscriptions/stripe_reading.ts";
import { hasEnded, isKnownStatus, readProduct } from "#core/billing/subscriptions/stripe_state.ts";
import { retrieveSubscription } from "#core/billing/subscriptions/stripe_subscription.ts";
import { finishExtension, keepPendingEnd } from "#core/billing/trials/extend_trial.ts";
import { NestError } from "#core/errors.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";

/** A round fails only if another event wrote the same subscription in the meantime. */
const ROUNDS = 5;

/**
 * Brings our record of a subscription to the state that Stripe has now, and does its follow-up (`followUp`). Safe to
 * repeat, in any order and concurrently: Stripe is read after our record, and the record is written only if it
 * was not written in between.
 * @param id Stripe's id
 * @param occurredAt Stripe's time of the event, in ISO 8601; now if there is no event
 * @throws NestError `subscription_not_valid`, `subscription_not_ready`, `customer_email_missing`, `stripe_error`,
 *   `email_not_sent`, `unavailable`
 */
export async function syncSubscription(
  core: EventCore,
  event: SubscriptionEvent,
  id: string,
  occurredAt = core.clock.now().toISOString(),
): Promise<Outcome> {
  for (let round = 0; round < ROUNDS; round++) {
    const record = await core.subscriptions.findByStripeId(id);
    // Read before Stripe: an end that is not pending anymore is in Stripe's response.
    const trial = record && (await core.trials.findOf(record));
    const current = await retrieveSubscription(core, id);
    if (!current) return { status: "missing", reason: "no_such_subscription" };
    const product = readProduct(current, core.billing.productIds, record);
    if (product === null) return { status: "ignored", reason: "other_product" };
    if (current.livemode !== core.stripe.isLive)
      throw new NestError("stripe_error", {
        detail: "the subscription and STRIPE_SECRET_KEY are of different modes",
      });
    // Stripe's API can lag behind its events. Nothing follows this event, so it is retried.
    if (event === "deleted" && !hasEnded(current.status)) return { status: "missing", reason: "not_ended" };
    if (!isKnownStatus(current.status)) {
      core.log.error("unknown_subscription_status", {
        alarm: true,
        subscription_id: id,
        status: current.status,
      });
      if (!record) throw new NestError("subscription_not_valid", { meta: { status: current.status } });
    }
    const state = keepPendingEnd(await readFullState(core, current, product), trial);
    logPause(core, id, state.pausedCollection ?? null);
    const reading = { event, occurredAt: new Date(occurredAt), current, state };
    const outcome = record
      ? await updateSubscription(core, record, reading)
      : await admitSubscription(core, reading);
    if (outcome && trial) await finishExtension(core, trial, id);
    if (outcome) return outcome;
  }
  throw new NestError("unavailable", { detail: "the subscription kept changing" });
}

function logPause(core: EventCore, id: string, behavior: string | null): void {
  if (behavior === null) return;
  core.log.warn("collection_paused", { subscription_id: id, behavior, grants: !isPauseUnpaid(behavior) });
}

/** @returns null if the record must be read again */
async function updateSubscription(
  core: EventCore,
  record: Subscription,
  reading: StripeReading,
): Promise<Outcome | null> {
  const { current, state } = reading;
  const mapping = await core.providerMappings.findByCustomer(state.stpCustomerId);
  if (mapping && mapping.userId !== record.userId) {
    await reassign(core, record, mapping.userId);
    return null;
  }
  // An imported subscription may have no mapping, and a mapping is removed when Stripe does not have the customer
  // anymore.
  if (!mapping) await mapCustomer(core, record.userId, state.stpCustomerId, null);
  const next = { ...state, ...changedBack(record, reading) };
  const written = await advanceRecord(core, record, next);
  if (!written) return null;
  const isOver = hasEnded(current.status) || state.isOtherProduct;
  if (isOver) await core.users.releaseSubscription(record.userId, current.id);
  if (written.rejectedAt !== null) {
    await finishRejection(core, written);
    return DONE;
  }
  if (!isOver) return followUp(core, written, reading);
  if (hasEnded(current.status)) {
    if (!(await rejectEnded(core, written.userId, current)))
      await warnOfPaidDuplicate(core, written.userId, reading);
    await warnOfDeletedCustomer(core, reading);
  }
  return DONE;
}

/**
 * Gives a subscription to the user to whom its customer is mapped (contract 1.3). It was stored for another user because
 * the customer was mapped at the same moment.
 */
async function reassign(core: EventCore, record: Subscription, userId: string): Promise<void> {
  await core.users.releaseSubscription(record.userId, record.stpSubscriptionId);
  await core.subscriptions.assign(record.stpSubscriptionId, record.userId, userId);
}
