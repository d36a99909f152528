import { STRIPE_EVENT_TYPES } from "#core/billing/events/event_types.ts";
import type { StripeDouble } from "#stripe_double/stripe_double.ts";
import type { DoubleEvent } from "#stripe_double/types.ts";
import type { TestNest } from "#tests/support/nest.ts";

/** The events of the types that Nest subscribes to, and one event of another type. */
export function eventsToSend(stripe: StripeDouble): DoubleEvent[] {
  const isOurs = ({ type }: DoubleEvent) => (STRIPE_EVENT_TYPES as string[]).includes(type);
  const events = stripe.events();
  return [...events.filter(isOurs), ...events.filter((event) => !isOurs(event)).slice(0, 1)];
}

/** Subscriptions of a few customers at Stripe, with names that are the same in every run. */
export interface Scenario {
  /** Names by Stripe's id. */
  names: Map<string, string>;
  addresses: Map<string, string>;
}

const PEOPLE = ["trial", "payer", "leaver", "twice", "processing", "disputed", "late"] as const;

/**
 * Creates the scenario in an empty Stripe double. Its events have every type that Nest handles, and some that it ignores.
 * No event is delivered yet.
 */
export function createScenario({ stripe, clock }: TestNest, run: string): Scenario {
  const names = new Map<string, string>();
  const addresses = new Map(PEOPLE.map((person) => [person, `${person}.${run}@example.com`]));
  const subscribe = (name: string, person: (typeof PEOPLE)[number], wanted: object = {}) => {
    const made = stripe.createSubscription({ email: addresses.get(person) ?? null, ...wanted });
    names.set(made.id, name);
    names.set(made.customer, `customer of ${name}`);
    return made.id;
  };
  const find = (id: string) => stripe.subscriptions().find((subscription) => subscription.id === id) ?? {};

  const trial = subscribe("trial", "trial", { trialDays: 14 });
  stripe.emit("customer.subscription.trial_will_end", find(trial));

  const payer = subscribe("paid", "payer");
  stripe.cancelSubscription(payer, { isAtPeriodEnd: true });
  for (const end of ["applied", "expired"])
    stripe.emit(`customer.subscription.pending_update_${end}`, find(payer));

  stripe.cancelSubscription(subscribe("left", "leaver"));

  subscribe("first of two", "twice");
  clock.advance(5);
  subscribe("second of two", "twice");

  subscribe("first, paid", "processing");
  clock.advance(5);
  const processing = subscribe("second, processing", "processing", { card: { processes: true } });
  stripe.settlePayment(processing, "succeeded");

  const disputed = subscribe("disputed", "disputed");
  const dispute = stripe.dispute(disputed);
  names.set(dispute.id, "dispute");
  stripe.closeDispute(dispute.id, "lost");

  const late = subscribe("past due", "late", { card: { processes: true } });
  stripe.settlePayment(late, "failed");
  const failed = stripe.events().findLast(({ type }) => type === "payment_intent.payment_failed");
  stripe.emit("payment_intent.canceled", failed?.data.object ?? {});
  for (const type of ["refund.updated", "refund.failed"]) stripe.emit(type, { object: "refund" });
  for (const change of ["paused", "resumed"]) stripe.emit(`customer.subscription.${change}`, find(payer));
  return { names, addresses };
}
