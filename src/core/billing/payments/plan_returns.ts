import { roundDown, type Share, shareOf } from "#core/billing/payments/amount.ts";
import { creditGivenOf, currentPart, isOfCurrentPeriod } from "#core/billing/payments/current_period.ts";
import type { InvoicePayment, SubscriptionInvoice } from "#core/billing/payments/subscription_invoice.ts";
import type { MoneyReturn, Rejection } from "#core/repositories/subscriptions.ts";

/** When a subscription was rejected, and its customer. */
export interface RejectedSubscription {
  rejection: Rejection;
  rejectedAt: string;
  customer: string;
}

/** Statuses of a subscription whose current period is paid. A subscription in another status returns nothing. */
const PAID_STATUSES = ["active", "trialing"];
const NOTHING: Share = { numerator: 0, denominator: 1 };

/**
 * The share of a replaced subscription's current period that was unused when it was rejected (contract 1.7).
 * @param status its status at Stripe when it was rejected
 */
export function unusedShare({ rejection, rejectedAt }: RejectedSubscription): Share {
  const [start, end, at] = [rejection.periodStartsAt, rejection.periodEndsAt, rejectedAt].map(Date.parse) as [
    number,
    number,
    number,
  ];
  return end > start ? { numerator: end - at, denominator: end - start } : NOTHING;
}

/**
 * Plans what a rejection returns (contract 1.7). Every payment of a duplicate is returned in full, except payments from
 * before the kept subscription was ours. For a replaced subscription, the unused share of its current period is returned.
 * The returns never exceed what is left of the payments.
 * @param invoices all invoices of the subscription that are for our products
 * @param plannedAt ISO 8601
 * @returns by source, with every payment that was counted: an amount of 0 returns nothing of it
 */
export function planReturns(
  rejected: RejectedSubscription,
  invoices: readonly SubscriptionInvoice[],
  plannedAt: string,
): Record<string, MoneyReturn> {
  const { kind } = rejected.rejection;
  const returns = kind === "duplicate" ? planAll(rejected, invoices) : planUnused(rejected, invoices);
  const complete = returns
    .filter(({ amount, source }) => amount > 0 || source !== rejected.customer)
    .map((one): [string, MoneyReturn] => [one.source, toMoneyReturn(one, kind, plannedAt)]);
  return Object.fromEntries(complete);
}

/** The fields of a return that differ between payments. */
type Return = Pick<MoneyReturn, "to" | "source" | "amount" | "currency"> & { isDisputed: boolean };

/** Adds the fields that all returns of a rejection share. The return is not sent to Stripe yet. */
export function toMoneyReturn(
  { isDisputed, ...one }: Return,
  kind: Rejection["kind"],
  plannedAt: string,
): MoneyReturn {
  return {
    ...one,
    reason: kind === "duplicate" ? "duplicate" : "unused_time",
    status: isDisputed ? "disputed" : "planned",
    ...{ plannedAt, id: null, returnedAt: null, attempts: 0, failure: null },
  };
}

/**
 * Money that can be returned: payments, with the rest of each payment, and the credit that the customer's balance paid.
 */
interface Left {
  payments: (InvoicePayment & { currency: string })[];
  credit: number;
  currency: string;
}

/**
 * The money that invoices leave to return. A credit note may include a refund, which its payment already shows. Only
 * the rest of the credit note is subtracted, first from the credit.
 */
export function refundableOf(invoices: readonly SubscriptionInvoice[]): Left {
  const payments = new Map<string, InvoicePayment & { currency: string }>();
  let credit = 0;
  for (const { payments: own, creditUsed, creditNoted, currency } of invoices) {
    const refunded = own.reduce((sum, { paid, left }) => sum + Math.max(0, paid - left), 0);
    let noted = Math.max(0, creditNoted - refunded);
    const fromCredit = Math.min(noted, Math.max(0, creditUsed));
    credit += Math.max(0, creditUsed) - fromCredit;
    noted -= fromCredit;
    for (const payment of own) {
      const left = Math.max(0, Math.min(payment.paid, payment.left));
      const taken = Math.min(noted, left);
      noted -= taken;
      const before = payments.get(payment.source)?.left ?? 0;
      payments.set(payment.source, { ...payment, currency, left: before + left - taken });
    }
  }
  return { payments: [...payments.values()], credit, currency: invoices[0]?.currency ?? "" };
}

/** Whether a payment of a duplicate was made while the kept subscription was for one of our products too. */
export function isCounted(paidAt: number, rejection: Rejection): boolean {
  const since = rejection.returnsPaymentsSince;
  return since === undefined || paidAt >= secondOf(since);
}

function planAll(
  { customer, rejection }: RejectedSubscription,
  invoices: readonly SubscriptionInvoice[],
): Return[] {
  const counted = invoices.map((invoice) =>
    isCounted(invoice.paidAt, rejection) ? invoice : { ...invoice, creditUsed: 0, creditGiven: 0 },
  );
  const { payments, credit, currency } = refundableOf(counted);
  // The owner keeps this credit in the balance, so it is not refunded again.
  let given = counted.reduce((sum, { creditGiven }) => sum + creditGiven, 0);
  const refunds = payments.map(({ left, source, isDisputed, paidAt, currency: own }) => {
    const returned = isCounted(paidAt, rejection) ? left : 0;
    const kept = Math.min(given, returned);
    given -= kept;
    const amount = roundDown(returned - kept, own);
    return { to: "payment_method" as const, source, amount, currency: own, isDisputed };
  });
  return [...refunds, credited(customer, roundDown(credit, currency), currency)];
}

/** The return of an amount to the balance. @param source the customer, or an invoice that was paid late */
export function credited(source: string, amount: number, currency: string): Return {
  return { to: "balance", source, amount, currency, isDisputed: false };
}

/** The second of a time. Stripe's times have no fractions. */
export const secondOf = (time: string) => Math.floor(Date.parse(time) / 1000);

function planUnused(rejected: RejectedSubscription, invoices: readonly SubscriptionInvoice[]): Return[] {
  const { rejection, customer } = rejected;
  const ofPeriod = invoices.filter((one) => isOfCurrentPeriod(one, rejection));
  const left = refundableOf(ofPeriod.map((one) => currentPart(one, rejection)));
  const { payments, currency } = left;
  const isPeriodPaid = PAID_STATUSES.includes(rejection.status);
  const credit = isPeriodPaid ? left.credit : 0;
  const share = unusedShare(rejected);
  const decidedAt = secondOf(rejection.decidedAt ?? rejected.rejectedAt);
  const isReturned = ({ paidAt }: InvoicePayment) => isPeriodPaid || paidAt > decidedAt;
  // Nothing of the other payments is returned. A return of 0 is recorded for each of them, so that an event that is
  // delivered again returns nothing either.
  const kept = payments.filter((payment) => !isReturned(payment));
  const counted = payments.filter(isReturned);
  // The owner has this credit already.
  const given = invoices.reduce((sum, one) => sum + creditGivenOf(one, rejection), 0);
  const sumOf = (some: Left["payments"]) =>
    Math.max(0, some.reduce((sum, { left }) => sum + left, 0) + credit - given);
  const free = counted.filter(({ isDisputed }) => !isDisputed);
  const disputed = counted.filter(({ isDisputed }) => isDisputed);
  const all = shareOf(sumOf(counted), share, currency);
  const now = Math.min(all, shareOf(sumOf(free), share, currency));
  const to = rejection.isSameCustomer ? "balance" : "payment_method";
  const first = distribute(free, now, to);
  const later = distribute(disputed, all - now, to);
  const rest = now - first.reduce((sum, { amount }) => sum + amount, 0);
  const fromCredit = credited(customer, Math.min(rest, roundDown(credit, currency)), currency);
  return [...distribute(kept, 0, to), ...first, ...later, fromCredit];
}

/** Distributes an amount over payments, in their order. Each payment gets at most what is left of it. */
function distribute(payments: Left["payments"], amount: number, to: MoneyReturn["to"]): Return[] {
  let rest = amount;
  return payments.map(({ source, left, isDisputed, currency }) => {
    const part = roundDown(Math.min(rest, left), currency);
    rest -= part;
    return { to, source, amount: part, currency, isDisputed };
  });
}
