/** A snapshot of one person's state at Stripe, in the form that the oracles of contract 1.7 read. */
import type { StripeDouble } from "#stripe_double/stripe_double.ts";
import type { Charge, Customer, Invoice, Subscription } from "#stripe_double/types.ts";
import { BEAK_PRODUCT } from "#tools/local/stripe_account/beak_double.ts";

/** A payment through Stripe of an invoice. */
export interface Payment {
  charge: string;
  paid: number;
  /** Without refunds that failed. */
  refunded: number;
  dispute: "none" | "open" | "won" | "lost";
}

export interface Bill {
  id: string;
  status: string;
  created: number;
  /** The period that it bills, in Unix seconds: of its lines without prorations. */
  start: number;
  end: number;
  /** What the customer's balance paid. Stripe returns it if the invoice is void. */
  creditUsed: number;
  /** What it credited to the customer's balance, after a change of interval. */
  credited: number;
  isOutOfBand: boolean;
  /** Whether it bills our product. */
  isOurs: boolean;
  payments: Payment[];
}

export interface Owned {
  id: string;
  customer: string;
  status: string;
  created: number;
  price: string;
  /** Stripe's id of its item. */
  item: string;
  /** Per period, in the smallest unit. */
  amount: number;
  interval: string;
  currency: string;
  isTrial: boolean;
  /** Whether it is for our product. */
  isOurs: boolean;
  /** When it was changed to our product; null if it was bought so. Unix seconds. */
  changedToOursAt: number | null;
  isEnding: boolean;
  /** Whether Nest scheduled the end of a trial, and its owner did not change that. */
  isEndScheduledByNest: boolean;
  cancelAt: number | null;
  pause: string | null;
  endedAt: number | null;
  /** The current period, in Unix seconds. */
  start: number;
  end: number;
  /** Oldest first. */
  bills: Bill[];
}

export interface Snapshot {
  now: number;
  subscriptions: Owned[];
  /** Customer ids that Nest made. */
  ownCustomers: ReadonlySet<string>;
  /** Negative balance: a credit of the customer. */
  customers: ReadonlyMap<string, { hasCard: boolean; balance: number }>;
}

/**
 * Reads the state of every subscription. The double serves one person at a time.
 * @param changedToOurs by subscription, when it was changed from another product, in Unix seconds
 */
export function takeSnapshot(stripe: StripeDouble, changedToOurs: ReadonlyMap<string, number>): Snapshot {
  stripe.advance(0);
  const ledger = stripe.ledger();
  const charges = new Map(ledger.charges.map((charge) => [charge.payment_intent, charge]));
  for (const charge of ledger.charges) if (charge.paid) charges.set(charge.payment_intent, charge);
  const disputes = new Map(ledger.disputes.map(({ charge, status }) => [charge, status]));
  const bill = (invoice: Invoice): Bill => ({
    id: invoice.id ?? "",
    status: invoice.status ?? "",
    created: invoice.created,
    ...periodOf(invoice),
    creditUsed:
      invoice.status === "void" || invoice.status === "draft"
        ? 0
        : Math.max(0, invoice.total - invoice.amount_due),
    credited: Math.max(0, -invoice.total),
    isOutOfBand: (invoice.amount_paid_off_stripe ?? 0) > 0,
    isOurs: invoice.lines.data.some(({ pricing }) => pricing?.price_details?.product === BEAK_PRODUCT),
    payments: ledger.invoicePayments
      .filter((payment) => payment.invoice === invoice.id)
      .flatMap(({ payment }) => charges.get(payment.payment_intent ?? "") ?? [])
      .filter(({ paid }) => paid)
      .map((charge) => paymentOf(charge, disputes.get(charge.id))),
  });
  const bills = ledger.invoices.map((invoice) => ({
    of: invoice.parent?.subscription_details?.subscription,
    bill: bill(invoice),
  }));
  const subscriptions = stripe.subscriptions().map((subscription) =>
    ownedOf(
      subscription,
      changedToOurs.get(subscription.id) ?? null,
      bills.filter((each) => each.of === subscription.id).map((each) => each.bill),
    ),
  );
  const alive = stripe.customers().filter((customer): customer is Customer => !customer.deleted);
  const made = alive.filter(({ metadata }) => metadata.trial_id !== undefined);
  return {
    now: stripe.now(),
    subscriptions,
    ownCustomers: new Set(made.map(({ id }) => id)),
    customers: new Map(
      alive.map(({ id, balance, invoice_settings }) => [
        id,
        { balance, hasCard: invoice_settings.default_payment_method !== null },
      ]),
    ),
  };
}

function periodOf({ lines }: Invoice): Pick<Bill, "start" | "end"> {
  const periods = lines.data
    .filter(({ parent }) => parent?.subscription_item_details?.proration !== true)
    .map(({ period }) => period);
  return {
    start: Math.min(...periods.map(({ start }) => start)),
    end: Math.max(...periods.map(({ end }) => end)),
  };
}

function paymentOf(charge: Charge, dispute: string | undefined): Payment {
  const state = dispute === undefined ? "none" : dispute === "won" || dispute === "lost" ? dispute : "open";
  return {
    charge: charge.id,
    paid: charge.amount_captured,
    refunded: charge.amount_refunded,
    dispute: state,
  };
}

function ownedOf(subscription: Subscription, changedToOursAt: number | null, bills: Bill[]): Owned {
  const [item] = subscription.items.data;
  return {
    id: subscription.id,
    customer: subscription.customer,
    status: subscription.status,
    created: subscription.created,
    price: item?.price.id ?? "",
    item: item?.id ?? "",
    amount: item?.price.unit_amount ?? 0,
    interval: item?.price.recurring?.interval ?? "",
    currency: subscription.currency,
    isTrial: subscription.metadata.trial_id !== undefined,
    isOurs: item?.price.product === BEAK_PRODUCT,
    changedToOursAt,
    isEnding: subscription.cancel_at !== null || subscription.cancel_at_period_end,
    isEndScheduledByNest: subscription.cancel_at_period_end && subscription.metadata.scheduled_by === "nest",
    cancelAt: subscription.cancel_at,
    endedAt: subscription.ended_at,
    pause: subscription.pause_collection?.behavior ?? null,
    start: item?.current_period_start ?? 0,
    end: item?.current_period_end ?? 0,
    bills,
  };
}

/** Whether a subscription has not ended. */
export const isLiving = ({ status }: Pick<Owned, "status">) =>
  status !== "canceled" && status !== "incomplete_expired";
