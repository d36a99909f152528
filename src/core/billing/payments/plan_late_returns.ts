import { roundDown, type Share, shareOf } from "#core/billing/payments/amount.ts";
import { currentPart } from "#core/billing/payments/current_period.ts";
import {
  credited,
  isCounted,
  type RejectedSubscription,
  refundableOf,
  secondOf,
  toMoneyReturn,
  unusedShare,
} from "#core/billing/payments/plan_returns.ts";
import type { InvoicePayment, SubscriptionInvoice } from "#core/billing/payments/subscription_invoice.ts";
import type { MoneyReturn } from "#core/repositories/subscriptions.ts";

const ALL: Share = { numerator: 1, denominator: 1 };

/**
 * Plans the return of a payment that succeeded after its subscription was rejected. A duplicate gets all of it, a replaced
 * subscription the unused share of the period.
 */
export function planLatePayment(
  rejected: RejectedSubscription,
  { invoice, payment }: { invoice: SubscriptionInvoice; payment: InvoicePayment },
  plannedAt: string,
): MoneyReturn | null {
  const { kind, isSameCustomer } = rejected.rejection;
  const left = Math.max(0, Math.min(payment.paid, payment.left));
  const { source, isDisputed } = payment;
  const { currency } = invoice;
  if (kind === "duplicate") {
    const amount = isCounted(payment.paidAt, rejected.rejection) ? roundDown(left, currency) : 0;
    const all = { to: "payment_method", source, amount, currency, isDisputed } as const;
    return amount > 0 ? { ...toMoneyReturn(all, kind, plannedAt), isLate: true } : null;
  }
  // The rejection decided about this payment, even if it recorded no return.
  if (payment.paidAt < secondOf(rejected.rejectedAt)) return null;
  const { payments } = currentPart({ ...invoice, payments: [{ ...payment, left }] }, rejected.rejection);
  const amount = shareOf(payments[0]?.left ?? 0, unusedShare(rejected), currency);
  const to = isSameCustomer ? "balance" : "payment_method";
  const share = { to, source, amount, currency, isDisputed } as const;
  return amount > 0 ? { ...toMoneyReturn(share, kind, plannedAt), isLate: true } : null;
}

/**
 * Plans the return of the credit that a late invoice used: its last payment succeeded after its subscription was rejected,
 * so the rejection did not count the credit. A duplicate gets all of it, a replaced subscription the unused share. The
 * credit is rounded down, since the payment's share is rounded up.
 * @param late the paid invoice, Stripe's id of it, and the payment
 */
export function planLateCredit(
  rejected: RejectedSubscription,
  late: { id: string; invoice: SubscriptionInvoice; payment: InvoicePayment },
  plannedAt: string,
): MoneyReturn | null {
  const { rejection, rejectedAt } = rejected;
  const { id, invoice, payment } = late;
  if (payment.paidAt < secondOf(rejectedAt) || !isCounted(invoice.paidAt, rejection)) return null;
  const isDuplicate = rejection.kind === "duplicate";
  const { credit, currency } = refundableOf([isDuplicate ? invoice : currentPart(invoice, rejection)]);
  const { numerator, denominator } = isDuplicate ? ALL : unusedShare(rejected);
  const amount = roundDown(Math.floor((credit * Math.max(0, numerator)) / denominator), currency);
  if (amount === 0) return null;
  return { ...toMoneyReturn(credited(id, amount, currency), rejection.kind, plannedAt), isLate: true };
}
