import type { Account } from "./account.ts";
import { followCheckout } from "./checkout_settlement.ts";
import { change, emit, set } from "./events.ts";
import { addProrations } from "./invoice_lines.ts";
import type { InvoiceDetails } from "./invoice_object.ts";
import {
  applyPaymentResult,
  collect,
  createInvoice,
  markUncollectible,
  type PaymentOutcome,
  paymentOf,
  voidInvoice,
} from "./invoices.ts";
import { settleIntent } from "./payments.ts";
import { discardPendingUpdate, followPendingUpdate, keepPendingUpdate } from "./pending_updates.ts";
import { DAY_SECONDS, periodEnd } from "./periods.ts";
import { newSubscription, type SubscriptionDetails } from "./subscription_object.ts";
import type { Invoice, PaymentMethod, Subscription } from "./types.ts";

/** The days from a renewal's invoice to each retry of its payment. After the last failed retry the subscription is canceled. */
export const RETRY_DAYS = [3, 5, 7];

/**
 * Creates a subscription. A trial starts without a payment; every other subscription makes its first payment now.
 * @param options.isPaidLater leaves the first invoice open (`payment_behavior: default_incomplete`)
 * @param options.isIncompleteUntilPaid keeps the subscription `incomplete` while the payment is processing
 */
export function startSubscription(
  account: Account,
  details: SubscriptionDetails,
  {
    isPaidLater = false,
    isIncompleteUntilPaid = false,
  }: { isPaidLater?: boolean; isIncompleteUntilPaid?: boolean } = {},
): Subscription {
  const subscription = newSubscription(account, details);
  const isTrial = subscription.status === "trialing";
  const invoice = createInvoice(account, subscription, { reason: "subscription_create", isFree: isTrial });
  if (!isTrial) {
    const method = isPaidLater ? null : cardOf(account, subscription);
    const outcome = collect(account, invoice, method);
    if (outcome === "paid" || (outcome === "processing" && !isIncompleteUntilPaid))
      subscription.status = "active";
  }
  account.tables.subscriptions.set(subscription.id, subscription);
  emit(account, "customer.subscription.created", subscription);
  return subscription;
}

/** The payment method of a subscription: its own, or else the customer's default payment method. */
export function paymentMethodFor(
  account: Account,
  customerId: string,
  own: string | null,
): PaymentMethod | null {
  const customer = account.tables.customers.get(customerId);
  const fallback =
    customer && "created" in customer ? customer.invoice_settings.default_payment_method : null;
  const id = own ?? fallback;
  return (id && account.tables.paymentMethods.get(id)) || null;
}

/** The payment method of an existing subscription. */
export function cardOf(account: Account, subscription: Subscription): PaymentMethod | null {
  return paymentMethodFor(account, subscription.customer, subscription.default_payment_method);
}

/** Starts the next period of the items whose trial or period has ended, and collects the payment as far as it is not paused. */
export function renew(account: Account, subscription: Subscription, start: number): void {
  const anchor = subscription.status === "trialing" ? start : subscription.billing_cycle_anchor;
  const before = structuredClone(subscription);
  const items = structuredClone(subscription.items);
  const isWhole = subscription.status === "trialing" || subscription.status === "paused";
  const due = items.data.filter(({ current_period_end }) => isWhole || current_period_end <= start);
  for (const item of due) {
    item.current_period_start = start;
    item.current_period_end = periodEnd(start, item.price, anchor);
  }
  set(subscription, { items, billing_cycle_anchor: anchor });
  const behavior = subscription.pause_collection?.behavior ?? null;
  const isDraft = behavior === "keep_as_draft" || behavior === "void";
  const invoice = createInvoice(account, subscription, { reason: "subscription_cycle", items: due, isDraft });
  const next = structuredClone({ items, billing_cycle_anchor: anchor, latest_invoice: invoice.id });
  // `change` compares with the state before the renewal, so the state that the invoice needed is undone first.
  set(subscription, before);
  if (behavior !== null) {
    withhold(account, invoice, behavior);
    const status = subscription.status === "past_due" ? "past_due" : "active";
    change(account, subscription, { ...next, status }, "customer.subscription.updated");
    return;
  }
  const outcome = collect(account, invoice, cardOf(account, subscription));
  if (outcome === "failed") scheduleRetry(invoice);
  const status = outcome === "failed" ? "past_due" : "active";
  change(account, subscription, { ...next, status }, "customer.subscription.updated");
}

/**
 * Changes the interval of a subscription: a new period starts now, its price is collected, and the rest of the old period
 * is credited.
 * @see https://docs.stripe.com/billing/subscriptions/prorations
 * @param wanted.items the items with their new prices
 * @param wanted.patch other changes of the same request
 * @param wanted.mayBePending whether the change waits for its payment, if the payment fails
 */
export function startPeriodOfNewInterval(
  account: Account,
  subscription: Subscription,
  wanted: {
    items: Subscription["items"];
    isCredited: boolean;
    patch: Partial<Subscription>;
    mayBePending: boolean;
  },
): void {
  const now = account.now();
  const credited = wanted.isCredited ? structuredClone(subscription.items.data) : [];
  for (const item of wanted.items.data) {
    item.current_period_start = now;
    item.current_period_end = periodEnd(now, item.price, now);
  }
  const patch = { ...wanted.patch, items: wanted.items, billing_cycle_anchor: now };
  const details = { reason: "subscription_update", credited } as const;
  invoiceChange(account, subscription, patch, { details, mayBePending: wanted.mayBePending });
}

/**
 * Changes the items of a subscription within their period. The rest of the period is credited at the old price and charged
 * at the new one.
 * @see https://docs.stripe.com/billing/subscriptions/prorations
 * @param patch the change, with the new items
 * @param options.isInvoicedNow whether an invoice is collected now. Otherwise the next invoice bills the change
 * @param options.mayBePending whether the change waits for its payment, if the payment fails
 */
export function prorateChange(
  account: Account,
  subscription: Subscription,
  patch: Partial<Subscription> & Pick<Subscription, "items">,
  { isInvoicedNow, mayBePending }: { isInvoicedNow: boolean; mayBePending: boolean },
): void {
  const hasProrations = addProrations(account, subscription, patch.items.data);
  if (!isInvoicedNow || !hasProrations) {
    change(account, subscription, patch, "customer.subscription.updated");
    return;
  }
  const details = { reason: "subscription_update", items: [] } as const;
  invoiceChange(account, subscription, patch, { details, mayBePending });
}

/** Changes a subscription, and collects the invoice of the change. */
function invoiceChange(
  account: Account,
  subscription: Subscription,
  patch: Partial<Subscription> & Pick<Subscription, "items">,
  { details, mayBePending }: { details: InvoiceDetails; mayBePending: boolean },
): void {
  const before = structuredClone(subscription);
  set(subscription, { items: patch.items });
  const invoice = createInvoice(account, subscription, details);
  const next = structuredClone({ ...patch, latest_invoice: invoice.id });
  // As in `renew`: `change` compares with the state before.
  set(subscription, before);
  const outcome = collect(account, invoice, cardOf(account, subscription));
  if (mayBePending && outcome !== "paid") {
    keepPendingUpdate(account, subscription, patch, invoice);
    return;
  }
  if (outcome === "failed") scheduleRetry(invoice);
  const status = outcome === "failed" ? "past_due" : "active";
  change(account, subscription, { ...next, status }, "customer.subscription.updated");
}

type PauseBehavior = NonNullable<Subscription["pause_collection"]>["behavior"];

/**
 * Does not collect an invoice because collection is paused. A voided invoice sends no event and uses no balance.
 * @see https://docs.stripe.com/billing/subscriptions/pause-payment
 */
function withhold(account: Account, invoice: Invoice, behavior: PauseBehavior): void {
  if (invoice.status === "paid" || behavior === "keep_as_draft") return;
  if (behavior === "mark_uncollectible") markUncollectible(account, invoice, "subscription_paused");
  else {
    invoice.status = "void";
    invoice.status_transitions.voided_at = account.now();
  }
}

function scheduleRetry(invoice: Invoice): void {
  const days = RETRY_DAYS[invoice.attempt_count - 1];
  invoice.next_payment_attempt = days === undefined ? null : invoice.created + days * DAY_SECONDS;
}

/**
 * Retries the payment of a subscription's open invoice.
 * @returns null if no invoice is open
 */
export function retryPayment(account: Account, subscription: Subscription): PaymentOutcome | null {
  const invoice = openInvoice(account, subscription);
  if (invoice === null) return null;
  const outcome = collect(account, invoice, cardOf(account, subscription));
  if (followPendingUpdate(account, subscription)) return outcome;
  if (outcome === "failed") scheduleRetry(invoice);
  else recover(account, subscription);
  if (outcome === "failed" && invoice.next_payment_attempt === null && subscription.status === "past_due") {
    cancelNow(account, subscription, "payment_failed");
  }
  return outcome;
}

/** Activates a subscription after its overdue payment succeeded. */
function recover(account: Account, subscription: Subscription): void {
  if (!["incomplete", "past_due", "unpaid"].includes(subscription.status)) return;
  change(account, subscription, { status: "active" }, "customer.subscription.updated");
}

/**
 * Updates a subscription after one of its invoices was paid, voided or marked uncollectible through the API: the newest
 * invoice that is not void decides.
 * @see https://docs.stripe.com/billing/subscriptions/overview#subscription-statuses
 */
export function followInvoice(account: Account, subscription: Subscription): void {
  if (followPendingUpdate(account, subscription)) return;
  const latest = invoicesOf(account, subscription).findLast(
    ({ status }) => status !== "void" && status !== "draft",
  );
  const isSettled = latest === undefined || latest.status === "paid" || latest.status === "uncollectible";
  if (subscription.status === "incomplete") {
    if (latest === undefined) expire(account, subscription);
    else if (latest.status === "paid") recover(account, subscription);
  } else if (isSettled) recover(account, subscription);
}

function invoicesOf(account: Account, { id }: Subscription): Invoice[] {
  return [...account.tables.invoices.values()].filter(
    ({ parent }) => parent?.subscription_details?.subscription === id,
  );
}

/** The newest unpaid invoice of a subscription. */
export function openInvoice(account: Account, subscription: Subscription): Invoice | null {
  return invoicesOf(account, subscription).findLast(({ status }) => status === "open") ?? null;
}

/** Ends a `processing` payment, and updates its invoice and subscription. */
export function settlePayment(
  account: Account,
  subscription: Subscription,
  outcome: "succeeded" | "failed",
): void {
  const invoice = openInvoice(account, subscription);
  if (invoice === null) return;
  const waiting = paymentOf(account, invoice);
  if (waiting?.intent.status !== "processing") return;
  settleIntent(account, waiting.intent, outcome);
  const result = applyPaymentResult(account, invoice, waiting.intent, waiting.payment);
  if (subscription.status !== "canceled" && !followPendingUpdate(account, subscription)) {
    if (result === "paid") recover(account, subscription);
    else if (subscription.status !== "incomplete") {
      scheduleRetry(invoice);
      change(account, subscription, { status: "past_due" }, "customer.subscription.updated");
    }
  }
  followCheckout(account, invoice);
}

type CancellationReason = "cancellation_requested" | "payment_failed" | "payment_disputed";

/** Cancels a subscription immediately, without a refund. */
export function cancelNow(
  account: Account,
  subscription: Subscription,
  reason: CancellationReason | null,
): void {
  const now = account.now();
  stopCollecting(account, subscription);
  const patch = {
    status: "canceled" as const,
    cancel_at: null,
    cancel_at_period_end: false,
    canceled_at: now,
    ended_at: now,
    cancellation_details: detailsWith(subscription, reason),
  };
  change(account, subscription, patch, "customer.subscription.deleted");
}

/** Ends a subscription at its scheduled end. `cancel_at`, `canceled_at` and the cancellation details stay as they are. */
export function endAsScheduled(account: Account, subscription: Subscription): void {
  stopCollecting(account, subscription);
  const patch = { status: "canceled" as const, ended_at: account.now() };
  change(account, subscription, patch, "customer.subscription.deleted");
}

/** Expires a subscription whose first payment was not made in time. */
export function expire(account: Account, subscription: Subscription): void {
  const invoice = openInvoice(account, subscription);
  if (invoice) voidInvoice(account, invoice);
  const patch = { status: "incomplete_expired" as const, ended_at: account.now() };
  change(account, subscription, patch, "customer.subscription.updated");
}

/** Pauses a subscription whose trial ended without a payment method. */
export function pause(account: Account, subscription: Subscription): void {
  const paused = {
    subscription: { type: "trial_end_without_payment_method" as const },
    transitioned_at: account.now(),
    type: "subscription" as const,
  };
  const patch = { status: "paused" as const, status_details: { paused } };
  change(account, subscription, patch, "customer.subscription.paused");
}

/** Resumes a paused subscription with a period that starts now. */
export function resume(account: Account, subscription: Subscription): void {
  delete subscription.status_details;
  renew(account, subscription, account.now());
  emit(account, "customer.subscription.resumed", subscription);
}

function stopCollecting(account: Account, subscription: Subscription): void {
  discardPendingUpdate(account, subscription);
  const invoice = openInvoice(account, subscription);
  if (invoice) set(invoice, { auto_advance: false, next_payment_attempt: null });
}

function detailsWith(subscription: Subscription, reason: CancellationReason | null) {
  const none = { comment: null, feedback: null, feedback_option: null };
  return { ...none, ...subscription.cancellation_details, reason };
}
