import { type Account, newestFirst } from "./account.ts";
import { invalidRequest, missing } from "./api_error.ts";
import { cancelNow, retry, settlePayment } from "./billing.ts";
import { attachCard, type CardDetails, livingCustomer } from "./customers.ts";
import { closeDispute, openDispute, reviewDispute } from "./disputes.ts";
import { change, eventAbout, send } from "./events.ts";
import { type PaymentOutcome, paymentOf } from "./invoices.ts";
import { DAY, HOUR } from "./periods.ts";
import { createPromotionCode, type PromotionDetails } from "./promotions.ts";
import { forceStatus, type NewSubscription, type SubscriptionStatus, subscriptionIn } from "./scenarios.ts";
import { advance, runDueTasks } from "./schedule.ts";
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
export function createControls(account: Account): Controls {
  const find = (id: string): Subscription => {
    const subscription = account.tables.subscriptions.get(id);
    if (subscription === undefined) throw missing("subscription", id);
    return subscription;
  };
  return {
    createSubscription(wanted) {
      const subscription = subscriptionIn(account, wanted);
      return { id: subscription.id, customer: subscription.customer, status: subscription.status };
    },
    updateSubscription(id, { status, fields, ...wanted }) {
      const subscription = find(id);
      if (Object.values(wanted).some((value) => value !== undefined)) {
        changeSubscription(account, subscription, wanted);
      }
      if (status !== undefined) forceStatus(account, subscription, status);
      if (fields) {
        markForced(account, id, Object.keys(fields));
        change(account, subscription, fields as Partial<Subscription>, "customer.subscription.updated");
      }
      runDueTasks(account);
      return structuredClone(subscription);
    },
    cancelSubscription(id, { isAtPeriodEnd = false } = {}) {
      const subscription = find(id);
      if (isAtPeriodEnd) changeSubscription(account, subscription, { cancel_at: "max_period_end" });
      else if (subscription.status === "canceled") throw missing("subscription", id);
      else cancelNow(account, subscription, "cancellation_requested");
      return structuredClone(subscription);
    },
    attachCard: (id, card) => structuredClone(attachCard(account, livingCustomer(account, id), card)),
    createPromotionCode: (details) => structuredClone(createPromotionCode(account, details)),
    pay: (id) => retry(account, find(id)),
    settlePayment: (id, outcome) => settlePayment(account, find(id), outcome),
    dispute: (id, reason) => structuredClone(openDispute(account, lastPayment(account, find(id)), reason)),
    reviewDispute: (id) => structuredClone(reviewDispute(account, id)),
    closeDispute: (id, outcome) => structuredClone(closeDispute(account, id, outcome)),
    emit(type, object) {
      const event = eventAbout(account, type as "customer.updated", object as Customer);
      markForced(account, event.id, ["type", "data"]);
      send(account, event);
      return event;
    },
    advance(by) {
      advance(account, typeof by === "number" ? by : secondsOf(by));
      return account.now();
    },
    now: () => account.now(),
  };
}

function markForced(account: Account, id: string, fields: readonly string[]): void {
  account.forced.set(id, new Set([...(account.forced.get(id) ?? []), ...fields]));
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

function lastPayment(account: Account, subscription: Subscription): Charge {
  for (const invoice of newestFirst(account.tables.invoices)) {
    if (invoice.parent?.subscription_details?.subscription !== subscription.id) continue;
    const charge = account.tables.charges.get(paymentOf(account, invoice)?.intent.latest_charge ?? "");
    if (charge?.paid) return charge;
  }
  throw invalidRequest(`Nothing was ever paid for ${subscription.id}.`);
}
