import type { EventCore } from "#core/billing/events/event_core.ts";
import { happening } from "#core/billing/events/event_types.ts";
import type { Outcome } from "#core/billing/events/outcome.ts";
import type { ReceivedEvent } from "#core/billing/events/stripe_signature.ts";
import { recordDispute } from "#core/billing/payments/dispute.ts";
import { refundIfRejected } from "#core/billing/payments/refund.ts";
import { type KnownSubscription, syncSubscription } from "#core/billing/subscriptions/sync_subscription.ts";
import { plusSeconds } from "#core/clock.ts";
import { NestError } from "#core/errors.ts";
import type { StripeEvent, StripeEventStatus } from "#core/repositories/stripe_events.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";
import { purgeAfter } from "#core/retention.ts";

/** Outlives any function that could hold it. */
export const LEASE_SECONDS = 60;
const PINNED_MAJOR = "endive";

/** What is read beside the beginning of an event. */
interface Prefetched {
  known: KnownSubscription;
  /** Those of the customer that lost to another one. */
  rejected: Subscription[];
}

/**
 * Works on an event once: stored first, then worked on, then done (contract 1.3). One that is done or ignored is passed
 * over; one that failed, or whose worker died, is begun again.
 * @param again statuses from which it may be begun again; a replay may name `done`
 * @returns what became of it, or null if there was nothing left to do
 * @throws NestError unavailable while somebody else works on it, and whatever the work throws
 */
export async function workOnEvent(
  core: EventCore,
  event: ReceivedEvent,
  again: readonly StripeEventStatus[] = ["failed"],
): Promise<Outcome | null> {
  const [attempt, prefetched] = await Promise.all([begin(core, event, again), prefetch(core, event)]);
  if (attempt === null) return null;
  try {
    const outcome = await dispatch(core, event, prefetched);
    await end(core, event, attempt, outcome);
    return outcome;
  } catch (error) {
    const reason = error instanceof NestError ? error.code : "unknown";
    // If even this can't be written, the lease runs out and the next delivery begins again.
    await end(core, event, attempt, { status: "failed", reason }).catch(() => undefined);
    throw error;
  }
}

/** @returns the number of the attempt, or null if the event needs none */
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
    detail: "the event is under lease",
    retryAfterSeconds: LEASE_SECONDS,
  });
}

async function prefetch(core: EventCore, event: ReceivedEvent): Promise<Prefetched> {
  const { type, objectId, customer } = event;
  const isAboutSubscription = happening("customer.subscription", type) !== null;
  const [record, mapping, rejected] = await Promise.all([
    isAboutSubscription && objectId ? core.subscriptions.findByStripeId(objectId) : null,
    isAboutSubscription && customer ? core.providerMappings.findByCustomer(customer) : undefined,
    type === "payment_intent.succeeded" && customer ? core.subscriptions.listRejected(customer) : [],
  ]);
  return { known: { record, mapping }, rejected };
}

async function dispatch(
  core: EventCore,
  event: ReceivedEvent,
  { known, rejected }: Prefetched,
): Promise<Outcome> {
  const { type, objectId } = event;
  // By a key of the other mode nothing could be found, and the event would be passed over for good.
  if (event.isLive !== null && event.isLive !== core.stripe.isLive)
    throw new NestError("stripe_error", { detail: "the event and STRIPE_SECRET_KEY are of different modes" });
  // Handlers read Stripe again by the pinned version; an endpoint of another one still deserves to be noticed.
  if (event.apiVersion !== null && !event.apiVersion.endsWith(`.${PINNED_MAJOR}`))
    core.log.warn("stripe_api_version", { api_version: event.apiVersion });
  const subscription = happening("customer.subscription", type);
  if (objectId === null) return { status: "ignored", reason: "no_object" };
  if (subscription) return syncSubscription(core, subscription, objectId, known);
  if (happening("charge.dispute", type)) return recordDispute(core, objectId);
  const payment = happening("payment_intent", type);
  if (payment === null) return { status: "ignored", reason: "unknown_type" };
  core.log[payment === "payment_failed" ? "warn" : "info"]("payment_intent", { outcome: payment });
  // A payment that was still processing when its subscription was rejected.
  await refundIfRejected(core, objectId, rejected);
  return { status: "done" };
}

async function end(
  core: EventCore,
  event: ReceivedEvent,
  attempt: number,
  outcome: Outcome | { status: "failed"; reason: string },
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
