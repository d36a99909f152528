import { STRIPE_EVENT_TYPES } from "#core/billing/events/event_types.ts";
import type { StripeDouble } from "#stripe_double/stripe_double.ts";
import type { DoubleEvent } from "#stripe_double/types.ts";
import type { TestNest } from "#tests/support/nest.ts";

/** What an endpoint is sent that has our eleven types; one other, that nobody asked for, comes too. */
export function eventsToSend(stripe: StripeDouble): DoubleEvent[] {
  const isOurs = ({ type }: DoubleEvent) => (STRIPE_EVENT_TYPES as string[]).includes(type);
  const events = stripe.events();
  return [...events.filter(isOurs), ...events.filter((event) => !isOurs(event)).slice(0, 1)];
}

/** What happened at Stripe to a few people, and every name that it goes by in one run. */
export interface Scenario {
  /** Stripe's ids by a name that is the same in every run. */
  names: Map<string, string>;
  addresses: Map<string, string>;
}

const PEOPLE = ["trial", "payer", "leaver", "twice", "processing", "disputed", "late"] as const;

/**
 * Lives through the scenario at an empty double: its events are of all eleven types that we work on, and of some that
 * we don't. Nothing of it has been delivered yet.
 */
export function live({ stripe, clock }: TestNest, run: string): Scenario {
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
  return { names, addresses };
}
