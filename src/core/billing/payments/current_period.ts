import type { Share } from "#core/billing/payments/amount.ts";
import type { SubscriptionInvoice } from "#core/billing/payments/subscription_invoice.ts";
import type { Rejection } from "#core/repositories/subscriptions.ts";

/** The lines of an invoice that lie inside the period and end with it. */
function insideOf(
  { lines }: Pick<SubscriptionInvoice, "lines">,
  { periodStartsAt, periodEndsAt }: Pick<Rejection, "periodStartsAt" | "periodEndsAt">,
): SubscriptionInvoice["lines"] {
  const [from, to] = [Date.parse(periodStartsAt) / 1000, Date.parse(periodEndsAt) / 1000];
  return lines.filter(({ start, end }) => start >= from && end === to && end > start);
}

/**
 * The share of an invoice that paid for the period in which a subscription was rejected: its lines that lie inside this
 * period and end with it. A longer line paid for an earlier period. Stripe starts a new period when the interval of a price
 * changes or a trial is given, and settles the old one itself
 * (https://docs.stripe.com/billing/subscriptions/prorations). A line that ends earlier paid for a shorter interval of
 * another item, whose time may be used already.
 */
export function currentShare(
  { lines }: Pick<SubscriptionInvoice, "lines">,
  { periodStartsAt, periodEndsAt }: Rejection,
): Share {
  const inside = insideOf({ lines }, { periodStartsAt, periodEndsAt });
  const sumOf = (some: SubscriptionInvoice["lines"]) => some.reduce((sum, { amount }) => sum + amount, 0);
  const numerator = Math.max(0, sumOf(inside));
  return { numerator, denominator: Math.max(numerator, sumOf(lines)) };
}

/**
 * What Stripe credited to the customer's balance of the period in which a subscription was rejected, because its plan became
 * cheaper within the period.
 */
export function creditGivenOf(
  invoice: Pick<SubscriptionInvoice, "lines" | "creditGiven">,
  rejection: Rejection,
): number {
  const billed = insideOf(invoice, rejection).reduce((sum, { amount }) => sum + amount, 0);
  return Math.max(0, Math.min(invoice.creditGiven, -billed));
}

/** Whether an invoice paid for the period in which a subscription was rejected. */
export function isOfCurrentPeriod(
  invoice: Pick<SubscriptionInvoice, "lines">,
  rejection: Rejection,
): boolean {
  return currentShare(invoice, rejection).numerator > 0;
}

/** An invoice with only the money of it that paid for the period in which a subscription was rejected. */
export function currentPart(invoice: SubscriptionInvoice, rejection: Rejection): SubscriptionInvoice {
  const { numerator, denominator } = currentShare(invoice, rejection);
  const partOf = (amount: number) => Math.floor((Math.max(0, amount) * numerator) / Math.max(1, denominator));
  return {
    ...invoice,
    payments: invoice.payments.map((one) => ({ ...one, paid: partOf(one.paid), left: partOf(one.left) })),
    creditUsed: partOf(invoice.creditUsed),
    creditNoted: partOf(invoice.creditNoted),
  };
}
