import type { StripeEvent } from "#core/repositories/stripe_events.ts";
import type { DeliveryAttempt } from "#stripe_double/deliveries.ts";
import type { StripeDouble } from "#stripe_double/stripe_double.ts";
import type { SubscriptionSummary } from "#stripe_double/summary.ts";
import type { Charge, DoubleEvent } from "#stripe_double/types.ts";
import { refundableCharges } from "#tools/local/dev/charges.ts";

/** The number of newest events that are returned. */
const EVENTS_SHOWN = 60;
const SUBSCRIPTIONS_SHOWN = 100;

/** Nest's ledger of Stripe events. */
export interface Ledger {
  list(ids: readonly string[]): Promise<StripeEvent[]>;
}

/** Builds the response of `GET /dev/stripe`: clock, fault, subscriptions and events, newest last. */
export async function readStripe(stripe: StripeDouble, ledger: Ledger) {
  const events = stripe.events(EVENTS_SHOWN);
  const rows = await ledger.list(events.map(({ id }) => id));
  const { calls, kind } = stripe.armedFault();
  const refundable = refundableCharges(stripe);
  return {
    ...clockOf(stripe),
    faults: kind === "none" || calls === 0 ? { calls: 0, kind: "none" } : { calls, kind },
    subscriptions: stripe
      .summary()
      .slice(0, SUBSCRIPTIONS_SHOWN)
      .reverse()
      .map((row) => shownSubscription(row, refundable.get(row.customer.id))),
    events: showEvents(stripe, events, rows),
  };
}

/** Stripe's clock, and how many seconds it is ahead of this machine's. */
export function clockOf(stripe: StripeDouble): { now: string; ahead_seconds: number } {
  const now = stripe.now();
  return { now: toIso(now), ahead_seconds: Math.max(0, now - Math.floor(Date.now() / 1000)) };
}

function shownSubscription(summary: SubscriptionSummary, lastPayment: Charge | undefined) {
  const { id, status, customer, price, card, owed } = summary;
  return {
    id,
    status,
    is_over: summary.isOver,
    customer,
    price,
    card: card && { last4: card.last4, works: card.behavior !== "declines" },
    owed,
    refundable: lastPayment ? lastPayment.amount - lastPayment.amount_refunded : null,
    created_at: toIso(summary.createdAt),
    trial_end: toIsoOrNull(summary.trialEnd),
    period_end: toIso(summary.periodEnd),
    cancel_at: toIsoOrNull(summary.cancelAt),
    ended_at: toIsoOrNull(summary.endedAt),
  };
}

/** Each event with its delivery attempts and Nest's verdict; the verdict is null until the ledger has the event. */
function showEvents(stripe: StripeDouble, events: readonly DoubleEvent[], rows: readonly StripeEvent[]) {
  const attempts = Map.groupBy(stripe.deliveryAttempts, ({ event }) => event);
  const verdicts = new Map(rows.map((row) => [row._id, row]));
  const givenUp = new Set(stripe.failedDeliveries.map(({ id }) => id));
  return events.map(({ id, type, created, data }) => {
    const verdict = verdicts.get(id);
    return {
      id,
      type,
      object: "id" in data.object ? data.object.id : null,
      created_at: toIso(created),
      deliveries: (attempts.get(id) ?? []).map(({ status }: DeliveryAttempt) => ({ status })),
      is_given_up: givenUp.has(id),
      verdict: verdict ? { status: verdict.status, reason: verdict.reason, attempt: verdict.attempt } : null,
    };
  });
}

/** Unix seconds as ISO 8601. */
export const toIso = (seconds: number) => new Date(seconds * 1000).toISOString();
const toIsoOrNull = (seconds: number | null) => (seconds === null ? null : toIso(seconds));
