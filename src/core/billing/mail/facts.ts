/**
 * The facts that mails about money state, computed from Stripe's state without I/O. `money_facts.ts` of the templates
 * chooses the sentences. Together they ensure that mails state only true facts.
 */
import type Stripe from "stripe";
import { hasEnded, isScheduledByNest, ourItems } from "#core/billing/subscriptions/stripe_state.ts";
import { isChargedAtTrialEnd } from "#core/billing/subscriptions/stripe_subscription.ts";
import type { Money } from "#core/messages/formats.ts";
import type {
  KeptFacts,
  RejectionFacts,
  SubscriptionFacts,
  TrialFacts,
} from "#core/messages/templates/money_facts.ts";
import type { MoneyReturn, Rejection } from "#core/repositories/subscriptions.ts";

const iso = (seconds: number) => new Date(seconds * 1000).toISOString();

/** The facts of a kept subscription that its own object at Stripe does not show. */
export interface KeptRecord {
  /** The end of the paid time if its current period is not paid, ISO 8601; else null. */
  paidUntil: string | null;
  /** The length in days of a trial that nobody used yet; null for every other subscription. */
  unusedDays: number | null;
}

/** The state from which the facts of a rejection follow. */
export interface RejectionState {
  rejection: Rejection;
  /** The rejected subscription at Stripe. */
  canceled: Stripe.Subscription;
  /** The kept subscription at Stripe, or null. */
  kept: Stripe.Subscription | null;
  keptRecord: KeptRecord;
  returns: readonly MoneyReturn[];
  productIds: readonly string[];
}

/** The facts of a mail about a rejected subscription. */
export function rejectionFacts(state: RejectionState): RejectionFacts {
  const { rejection, canceled, kept, keptRecord, returns, productIds } = state;
  const isKept = kept !== null && !hasEnded(kept.status);
  return {
    kind: rejection.kind,
    canceled: {
      ...subscriptionFacts(canceled, productIds),
      hadStarted: rejection.status !== "incomplete",
    },
    kept: isKept ? keptFacts(kept, keptRecord, productIds) : null,
    refunded: sumOf(returns, "payment_method"),
    credited: sumOf(returns, "balance"),
    isCreditOfOtherCustomer: isKept && !rejection.isSameCustomer,
  };
}

/** The total that Stripe accepted to return to one destination; null if nothing. */
function sumOf(returns: readonly MoneyReturn[], way: MoneyReturn["to"]): Money | null {
  const accepted = returns.filter(
    ({ to, status, amount }) => to === way && amount > 0 && (status === "done" || status === "pending"),
  );
  const amount = accepted.reduce((sum, one) => sum + one.amount, 0);
  return accepted[0] ? { amount, currency: accepted[0].currency } : null;
}

function subscriptionFacts(current: Stripe.Subscription, productIds: readonly string[]): SubscriptionFacts {
  const [item = current.items.data[0]] = ourItems(current, productIds);
  const recurring = item?.price.recurring;
  return {
    interval: (recurring?.interval ?? "month") as SubscriptionFacts["interval"],
    intervalCount: recurring?.interval_count ?? 1,
    boughtAt: iso(current.created),
  };
}

function keptFacts(
  kept: Stripe.Subscription,
  { paidUntil, unusedDays }: KeptRecord,
  productIds: readonly string[],
): KeptFacts {
  const facts = subscriptionFacts(kept, productIds);
  const { status, cancel_at, cancel_at_period_end, trial_end } = kept;
  if (status === "trialing") {
    const ends = [cancel_at, trial_end].filter((end) => end !== null);
    const endsAt = iso(ends.length > 0 ? Math.min(...ends) : kept.created);
    return { ...facts, status: "trialing", endsAt, daysFromFirstUse: daysFromFirstUse(kept, unusedDays) };
  }
  if (status !== "active") return { ...facts, status: "payment_due", endsAt: null };
  if (kept.pause_collection) return { ...facts, status: "paused", endsAt: paidUntil };
  if (paidUntil !== null) return { ...facts, status: "invoice_closed", endsAt: paidUntil };
  if (!cancel_at_period_end && cancel_at === null) return { ...facts, status: "renewing", endsAt: null };
  const ends = ourItems(kept, productIds).map(({ current_period_end }) => current_period_end);
  return { ...facts, status: "ending", endsAt: iso(cancel_at ?? Math.max(...ends, kept.created)) };
}

/**
 * The facts of the welcome to a trial.
 * @param upcoming the invoice that Stripe would make when the trial ends; null if unknown
 * @param unusedDays the length in days of a trial that nobody used yet; null for every other trial
 */
export function trialFacts(
  current: Stripe.Subscription,
  endsAt: string,
  upcoming: Pick<Stripe.Invoice, "amount_due" | "currency"> | null,
  unusedDays: number | null,
): TrialFacts {
  const facts = { endsAt, daysFromFirstUse: daysFromFirstUse(current, unusedDays) };
  if (!isChargedAtTrialEnd(current)) return { ...facts, charge: null };
  const money = upcoming && { amount: upcoming.amount_due, currency: upcoming.currency };
  return { ...facts, charge: { money } };
}

/** The first use moves the end, unless the owner scheduled it (contract 1.7). Nest schedules the end if there is a card. */
function daysFromFirstUse(current: Stripe.Subscription, unusedDays: number | null): number | null {
  const isScheduled = current.cancel_at !== null || current.cancel_at_period_end;
  return isScheduled && !isScheduledByNest(current) ? null : unusedDays;
}
