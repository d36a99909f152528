import { type Account, newestFirst, type RefundRefusal } from "./account.ts";
import { invalidRequest, notFound } from "./api_error.ts";
import { adjustBalance } from "./balance.ts";
import { cancelNow, followInvoice, openInvoice, retryPayment, settlePayment } from "./billing.ts";
import { type CheckoutPayment, payCheckout } from "./checkout.ts";
import { attachCard, type CardDetails, requireCustomer } from "./customers.ts";
import { closeDispute, openDispute, reviewDispute } from "./disputes.ts";
import { change, newEvent, publish } from "./events.ts";
import { type PaymentOutcome, paymentOf, payOutOfBand, voidInvoice } from "./invoices.ts";
import { DAY_SECONDS, HOUR_SECONDS } from "./periods.ts";
import { createPromotionCode, type PromotionDetails } from "./promotions.ts";
import { createRefund, failRefund, type RefundDetails } from "./refunds.ts";
import { createInStatus, forceStatus, type NewSubscription, type SubscriptionStatus } from "./scenarios.ts";
import { advanceTime, runDueTasks } from "./schedule.ts";
import { changeSubscription, type SubscriptionChange } from "./subscription_changes.ts";
import { isOver } from "./subscription_object.ts";
import { type ThinEvent, thinEvent } from "./thin_events.ts";
import type {
  BalanceTransaction,
  Charge,
  Customer,
  Dispute,
  DoubleEvent,
  Invoice,
  PaymentMethod,
  PromotionCode,
  Refund,
  Subscription,
} from "./types.ts";

export type ForcedChange = SubscriptionChange & {
  status?: SubscriptionStatus | undefined;
  /** Fields to overwrite with any value, also one that Stripe would never send. */
  fields?: Record<string, unknown> | undefined;
};

/** Simulates what happens without an API request: actions of customers and banks, and the passing of time. Changes emit events. */
export interface Controls {
  /** Creates a customer with a subscription, and brings it to its status through the same steps as in Stripe. */
  createSubscription(wanted: NewSubscription): { id: string; customer: string; status: string };
  /** Updates a subscription, including changes that the API does not allow. */
  updateSubscription(id: string, wanted: ForcedChange): Subscription;
  /** Cancels a subscription now, or at the end of its period as the billing portal does. */
  cancelSubscription(id: string, when?: { isAtPeriodEnd?: boolean }): Subscription;
  /** Adds a card to a customer and makes it the default payment method. */
  attachCard(customer: string, card?: CardDetails): PaymentMethod;
  createPromotionCode(details?: PromotionDetails): PromotionCode;
  /**
   * Pays a checkout session with a new card, as its customer does on the page.
   * @returns the id of the subscription, or null if the card declines, so that the session stays open
   */
  payCheckout(session: string, payment?: CheckoutPayment): string | null;
  /** Retries the payment of a subscription's open invoice now. Returns null if no invoice is open. */
  pay(subscription: string): PaymentOutcome | null;
  /** Ends the `processing` payment of a subscription. */
  settlePayment(subscription: string, outcome: "succeeded" | "failed"): void;
  /** Refuses the next refunds, one for each reason. */
  refuseRefunds(reasons: RefundRefusal[]): void;
  /** Makes a successful refund fail later, as when the bank returns the money. */
  failRefund(id: string, reason?: string): Refund;
  /** Refunds a charge as an operator does in Stripe's dashboard. */
  refund(details: RefundDetails): Refund;
  /** Credits a customer's balance. `amount` is positive, in the smallest unit of the currency. */
  credit(customer: string, amount: number, currency: string): BalanceTransaction;
  /** Voids the open invoice of a subscription. Returns false if none is open. */
  voidOpenInvoice(subscription: string): boolean;
  /** Marks the open invoice of a subscription as paid outside of Stripe. Returns false if none is open. */
  payOutOfBand(subscription: string): boolean;
  /** Opens a dispute of a subscription's last payment. */
  dispute(subscription: string, reason?: string): Dispute;
  /** Sets a dispute to `under_review`. */
  reviewDispute(id: string): Dispute;
  closeDispute(id: string, outcome: "won" | "lost"): Dispute;
  /** Emits an event of any type about any object. */
  emit(type: string, object: object): DoubleEvent;
  /** Advances the account's clock and runs everything that falls due. Returns the new time in Unix seconds. */
  advance(by: number | { seconds?: number; hours?: number; days?: number }): number;
  /**
   * A thin event (API v2) about an object, such as `sub_1`. It has no `data` and is not stored.
   * @param type the type of a snapshot event, such as `customer.subscription.created`
   */
  thinEvent(type: string, id: string): ThinEvent;
  /** The account's time in Unix seconds. */
  now(): number;
}

/** Creates the controls of an account. */
export function createControls(account: Account): Controls {
  const find = (id: string): Subscription => {
    const subscription = account.tables.subscriptions.get(id);
    if (subscription === undefined) throw notFound("subscription", id);
    return subscription;
  };
  return {
    createSubscription(wanted) {
      const subscription = createInStatus(account, wanted);
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
      else if (subscription.status === "canceled") throw notFound("subscription", id);
      else cancelNow(account, subscription, "cancellation_requested");
      return structuredClone(subscription);
    },
    attachCard: (id, card) => structuredClone(attachCard(account, requireCustomer(account, id), card)),
    createPromotionCode: (details) => structuredClone(createPromotionCode(account, details)),
    payCheckout(id, payment) {
      const session = account.tables.checkoutSessions.get(id);
      if (session === undefined) throw notFound("checkout.session", id);
      return payCheckout(account, session, payment)?.id ?? null;
    },
    pay: (id) => retryPayment(account, find(id)),
    settlePayment: (id, outcome) => settlePayment(account, find(id), outcome),
    refuseRefunds(reasons) {
      account.refusedRefunds = [...reasons];
    },
    refund: (details) => structuredClone(createRefund(account, details)),
    credit: (id, amount, currency) =>
      structuredClone(adjustBalance(account, requireCustomer(account, id), { amount: -amount, currency })),
    voidOpenInvoice: (id) => settleInvoice(account, find(id), voidInvoice),
    payOutOfBand: (id) => settleInvoice(account, find(id), payOutOfBand),
    failRefund: (id, reason) => structuredClone(failRefund(account, id, reason)),
    dispute: (id, reason) => structuredClone(openDispute(account, lastPayment(account, find(id)), reason)),
    reviewDispute: (id) => structuredClone(reviewDispute(account, id)),
    closeDispute: (id, outcome) => structuredClone(closeDispute(account, id, outcome)),
    emit(type, object) {
      const event = newEvent(account, type as "customer.updated", object as Customer);
      markForced(account, event.id, ["type", "data"]);
      publish(account, event);
      return event;
    },
    advance(by) {
      advanceTime(account, typeof by === "number" ? by : secondsOf(by));
      return account.now();
    },
    thinEvent: (type, id) => thinEvent(account, type, id),
    now: () => account.now(),
  };
}

function settleInvoice(
  account: Account,
  subscription: Subscription,
  settle: (account: Account, invoice: Invoice) => void,
): boolean {
  const invoice = openInvoice(account, subscription);
  if (invoice === null) return false;
  settle(account, invoice);
  if (!isOver(subscription)) followInvoice(account, subscription);
  return true;
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
  return seconds + hours * HOUR_SECONDS + days * DAY_SECONDS;
}

function lastPayment(account: Account, subscription: Subscription): Charge {
  for (const invoice of newestFirst(account.tables.invoices)) {
    if (invoice.parent?.subscription_details?.subscription !== subscription.id) continue;
    const charge = account.tables.charges.get(paymentOf(account, invoice)?.intent.latest_charge ?? "");
    if (charge?.paid) return charge;
  }
  throw invalidRequest(`The subscription ${subscription.id} has no successful payment.`);
}
