import { cancelNow, retry, settlePayment } from "./billing.ts";
import { createPromotionCode, type PromotionDetails } from "./catalogue.ts";
import { attachCard, type CardDetails, livingCustomer } from "./customers.ts";
import { closeDispute, openDispute, reviewDispute } from "./disputes.ts";
import { change, eventAbout, send } from "./events.ts";
import { type PaymentOutcome, paymentOf } from "./invoices.ts";
import { advance, catchUp } from "./life.ts";
import { DAY, HOUR } from "./periods.ts";
import { invalidRequest, missing } from "./refusal.ts";
import { forceStatus, type NewSubscription, type SubscriptionStatus, subscriptionIn } from "./scenarios.ts";
import { changeSubscription, type SubscriptionChange } from "./subscription_changes.ts";
import type {
  Charge,
  Customer,
  Dispute,
  DoubleEvent,
  PaymentMethod,
  PromotionCode,
  Subscription,
} from "./types.ts";
import { newestFirst, type World } from "./world.ts";

export type ForcedChange = SubscriptionChange & {
  status?: SubscriptionStatus | undefined;
  /** Written as they are, however impossible. */
  fields?: Record<string, unknown> | undefined;
};

/** What a person, a bank or time does, and no API call. Every change tells of itself by events. */
export interface Controls {
  /** A new customer each time, and a subscription that came to its status the way real ones do. */
  createSubscription(wanted: NewSubscription): { id: string; customer: string; status: string };
  updateSubscription(id: string, wanted: ForcedChange): Subscription;
  /** Ends it at once, or schedules the end as the billing portal does. */
  cancelSubscription(id: string, when?: { isAtPeriodEnd?: boolean }): Subscription;
  /** Becomes the customer's default card. */
  attachCard(customer: string, card?: CardDetails): PaymentMethod;
  createPromotionCode(details?: PromotionDetails): PromotionCode;
  /** Tries the open invoice of a subscription now. Null: there is none. */
  pay(subscription: string): PaymentOutcome | null;
  /** Ends a payment that is `processing`. */
  settlePayment(subscription: string, outcome: "succeeded" | "failed"): void;
  /** The bank of who pays disputes the last payment. */
  dispute(subscription: string, reason?: string): Dispute;
  reviewDispute(id: string): Dispute;
  closeDispute(id: string, outcome: "won" | "lost"): Dispute;
  /** An event of any type about any object. */
  emit(type: string, object: object): DoubleEvent;
  /** Moves the clock, lives through what lies between, and answers the new time (unix seconds). */
  advance(by: number | { seconds?: number; hours?: number; days?: number }): number;
  now(): number;
}

/** The controls of one account. */
export function createControls(world: World): Controls {
  const find = (id: string): Subscription => {
    const subscription = world.tables.subscriptions.get(id);
    if (subscription === undefined) throw missing("subscription", id);
    return subscription;
  };
  return {
    createSubscription(wanted) {
      const subscription = subscriptionIn(world, wanted);
      return { id: subscription.id, customer: subscription.customer, status: subscription.status };
    },
    updateSubscription(id, { status, fields, ...wanted }) {
      const subscription = find(id);
      if (Object.values(wanted).some((value) => value !== undefined)) {
        changeSubscription(world, subscription, wanted);
      }
      if (status !== undefined) forceStatus(world, subscription, status);
      if (fields) {
        markForced(world, id, Object.keys(fields));
        change(world, subscription, fields as Partial<Subscription>, "customer.subscription.updated");
      }
      catchUp(world);
      return structuredClone(subscription);
    },
    cancelSubscription(id, { isAtPeriodEnd = false } = {}) {
      const subscription = find(id);
      if (isAtPeriodEnd) changeSubscription(world, subscription, { cancel_at: "max_period_end" });
      else if (subscription.status === "canceled") throw missing("subscription", id);
      else cancelNow(world, subscription, "cancellation_requested");
      return structuredClone(subscription);
    },
    attachCard: (id, card) => structuredClone(attachCard(world, livingCustomer(world, id), card)),
    createPromotionCode: (details) => structuredClone(createPromotionCode(world, details)),
    pay: (id) => retry(world, find(id)),
    settlePayment: (id, outcome) => settlePayment(world, find(id), outcome),
    dispute: (id, reason) => structuredClone(openDispute(world, lastPayment(world, find(id)), reason)),
    reviewDispute: (id) => structuredClone(reviewDispute(world, id)),
    closeDispute: (id, outcome) => structuredClone(closeDispute(world, id, outcome)),
    emit(type, object) {
      const event = eventAbout(world, type as "customer.updated", object as Customer);
      markForced(world, event.id, ["type", "data"]);
      send(world, event);
      return event;
    },
    advance(by) {
      advance(world, typeof by === "number" ? by : secondsOf(by));
      return world.now();
    },
    now: () => world.now(),
  };
}

function markForced(world: World, id: string, fields: readonly string[]): void {
  world.forced.set(id, new Set([...(world.forced.get(id) ?? []), ...fields]));
}

function secondsOf({
  seconds = 0,
  hours = 0,
  days = 0,
}: {
  seconds?: number;
  hours?: number;
  days?: number;
}) {
  return seconds + hours * HOUR + days * DAY;
}

function lastPayment(world: World, subscription: Subscription): Charge {
  for (const invoice of newestFirst(world.tables.invoices)) {
    if (invoice.parent?.subscription_details?.subscription !== subscription.id) continue;
    const charge = world.tables.charges.get(paymentOf(world, invoice)?.intent.latest_charge ?? "");
    if (charge?.paid) return charge;
  }
  throw invalidRequest(`Nothing was ever paid for ${subscription.id}.`);
}
