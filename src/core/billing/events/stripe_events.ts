import type { EventCore } from "#core/billing/events/event_core.ts";
import { actionOn } from "#core/billing/events/event_types.ts";
import { DONE, type Outcome } from "#core/billing/events/outcome.ts";
import { followPaidInvoice } from "#core/billing/events/paid_invoice.ts";
import type { ReceivedEvent } from "#core/billing/events/stripe_signature.ts";
import { recordDispute } from "#core/billing/payments/dispute.ts";
import { warnOfPaymentAfterEnd } from "#core/billing/payments/paid_after_end.ts";
import { recordRefundChange, refundIfRejected, voidIfRejected } from "#core/billing/payments/refund.ts";
import { syncSubscription } from "#core/billing/subscriptions/sync_subscription.ts";
import { HOUR, plusSeconds } from "#core/clock.ts";
import { NestError } from "#core/errors.ts";
import type { StripeEvent, StripeEventStatus } from "#core/repositories/stripe_events.ts";
import { purgeAfter } from "#core/retention.ts";
import { stripeRefusal } from "#core/services/stripe.ts";

/** Longer than any function that could hold a lease may run. */
export const LEASE_SECONDS = 60;
/** Stripe's API can lag behind its events. An object that it still does not know after this time does not exist. */
const OBJECT_OVERDUE_SECONDS = HOUR;
/** Names the fix: the endpoint must be created again, for snapshot events (runbooks/stripe.md). */
const THIN_REASON = "thin_event_create_endpoint_with_stripe_setup";
/** The major version of Stripe's API to which the SDK is pinned. */
const PINNED_MAJOR = "endive";

/** How the processing of an event ended. */
export type FinalOutcome = Exclude<Outcome, { status: "missing" }>;

/**
 * Processes an event once: it is stored first, then processed, then marked as done (contract 1.3). An event that is done
 * or ignored is skipped. An event that failed, or whose process died, is processed again.
 * @param again statuses from which the event may be processed again; an operator's replay includes `done`
 * @returns the outcome, or null if the event was finished before. A `failed` outcome is stored and needs no retry
 * @throws NestError `subscription_not_ready` while Stripe may not know the object yet; `unavailable` while another call processes the event, and every error of the processing
 */
export async function processEvent(
  core: EventCore,
  event: ReceivedEvent,
  again: readonly StripeEventStatus[] = ["failed"],
): Promise<FinalOutcome | null> {
  const attempt = await begin(core, event, again);
  if (attempt === null) return null;
  try {
    const outcome = settle(core, event, await dispatch(core, event));
    await end(core, event, attempt, outcome);
    return outcome;
  } catch (error) {
    const reason = error instanceof NestError ? error.code : "unknown";
    // If this write fails too, the lease expires and the next delivery processes the event again.
    await end(core, event, attempt, { status: "failed", reason }).catch(() => undefined);
    throw error;
  }
}

/**
 * Stores the event and leases it to this call.
 * @returns the number of the attempt, or null if the event was finished before
 */
async function begin(
  core: EventCore,
  event: ReceivedEvent,
  again: readonly StripeEventStatus[],
): Promise<number | null> {
  const now = core.clock.now();
  const leasedUntil = plusSeconds(now, LEASE_SECONDS);
  const row: StripeEvent = {
    _id: event.id,
    type: event.type,
    objectId: event.objectId,
    customerId: event.customer,
    apiVersion: event.apiVersion,
    isLive: event.isLive,
    createdAt: event.createdAt,
    receivedAt: now.toISOString(),
    status: "processing",
    attempt: 1,
    leasedUntil: leasedUntil.toISOString(),
    endedAt: null,
    reason: null,
    purgeAt: purgeAfter(now),
  };
  if (await core.stripeEvents.insert(row)) return 1;
  const leased = await core.stripeEvents.lease(event.id, now.toISOString(), leasedUntil.toISOString(), again);
  if (leased) return leased.attempt;
  const present = await core.stripeEvents.find(event.id);
  if (present?.status === "done" || present?.status === "ignored") return null;
  throw new NestError("unavailable", {
    detail: "another call processes the event",
    retryAfterSeconds: LEASE_SECONDS,
  });
}

/**
 * While an event is recent, Stripe's API may not know its object yet. An older event without an object is ignored
 * (contract 1.7).
 * @throws NestError `subscription_not_ready`, so that Stripe retries
 */
function settle({ clock }: EventCore, event: ReceivedEvent, outcome: Outcome): FinalOutcome {
  if (outcome.status !== "missing") return outcome;
  const isYoung = plusSeconds(new Date(event.createdAt), OBJECT_OVERDUE_SECONDS) > clock.now();
  if (isYoung) throw new NestError("subscription_not_ready", { detail: outcome.reason });
  return { status: "ignored", reason: outcome.reason };
}

async function dispatch(core: EventCore, event: ReceivedEvent): Promise<Outcome> {
  const { type, objectId, customer } = event;
  if (event.isThin) return ignoreThin(core, event);
  // With a key of the other mode Stripe would find nothing, and the event would be ignored forever.
  if (event.isLive !== null && event.isLive !== core.stripe.isLive)
    throw new NestError("stripe_error", { detail: "the event and STRIPE_SECRET_KEY are of different modes" });
  // Harmless, since each object is read again with the pinned version, but the endpoint needs an update.
  if (event.apiVersion !== null && !event.apiVersion.endsWith(`.${PINNED_MAJOR}`))
    core.log.warn("stripe_api_version", { api_version: event.apiVersion });
  if (objectId === null) return { status: "ignored", reason: "no_object" };
  const subscription = actionOn("customer.subscription", type);
  if (subscription) return syncSubscription(core, subscription, objectId, event.createdAt);
  if (actionOn("charge.dispute", type)) return recordDispute(core, objectId);
  if (actionOn("refund", type)) return recordRefundChange(core, objectId);
  if (actionOn("invoice", type))
    return customer === null ? DONE : followPaidInvoice(core, objectId, customer);
  const payment = actionOn("payment_intent", type);
  if (payment === null) return { status: "ignored", reason: "unknown_type" };
  core.log[payment === "payment_failed" ? "warn" : "info"]("payment_intent", { outcome: payment });
  const isFollowed = payment === "succeeded" || payment === "payment_failed";
  return isFollowed && customer !== null ? followPayment(core, payment, objectId, customer) : DONE;
}

/**
 * Returns the payment of a rejected subscription, updates a subscription whose first payment this may be, and raises an
 * alarm about the payment of an ended subscription. After a failed payment, voids the invoice of a rejected subscription.
 */
async function followPayment(
  core: EventCore,
  outcome: "succeeded" | "payment_failed",
  intent: string,
  customer: string,
): Promise<Outcome> {
  try {
    const records = await core.subscriptions.listByCustomer(customer);
    if (outcome === "payment_failed") {
      await voidIfRejected(core, intent, records);
      return DONE;
    }
    await refundIfRejected(core, intent, records);
    // Stripe shows them as active already, and may send no event about them (contract 1.7).
    for (const { stpSubscriptionId, unpaidSince } of records)
      if (unpaidSince) await syncSubscription(core, "updated", stpSubscriptionId);
    await warnOfPaymentAfterEnd(core, intent, records);
    return DONE;
  } catch (error) {
    if (stripeRefusal(error)?.code !== "resource_missing") throw error;
    return { status: "missing", reason: "no_such_payment_intent" };
  }
}

/** A thin event contains no object to read again, and an endpoint for thin events gets no other events. */
function ignoreThin({ log }: EventCore, { id, type }: ReceivedEvent): Outcome {
  log.warn("stripe_thin_event", { event_id: id, type, fix: "nest stripe setup" });
  return { status: "ignored", reason: THIN_REASON };
}

/** Records the outcome, unless another attempt took over the lease. */
async function end(
  core: EventCore,
  event: ReceivedEvent,
  attempt: number,
  outcome: FinalOutcome,
): Promise<void> {
  const now = core.clock.now().toISOString();
  const reason = "reason" in outcome ? outcome.reason : null;
  await core.stripeEvents.end(event.id, attempt, { status: outcome.status, reason, now });
  core.log[outcome.status === "failed" ? "error" : "info"]("stripe_event", {
    event_id: event.id,
    type: event.type,
    status: outcome.status,
    reason,
    attempt,
    lag_ms: Date.parse(now) - Date.parse(event.createdAt),
  });
}
