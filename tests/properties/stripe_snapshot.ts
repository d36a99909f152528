/** A snapshot of one person's subscriptions, invoices and payments at Stripe. The oracles of contract 1.7 read it. */
import type { StripeDouble } from "#stripe_double/stripe_double.ts";
import type { Charge, Customer, Invoice, Subscription } from "#stripe_double/types.ts";
import { PRODUCT_ID } from "#tests/support/nest.ts";

/** A payment of an invoice through Stripe. */
export interface Payment {
  charge: string;
  paid: number;
  /** The refunded amount, without failed refunds. */
  refunded: number;
  dispute: "none" | "open" | "won" | "lost";
}

export interface InvoiceState {
  id: string;
  status: string;
  created: number;
  /** The period of its lines that are not prorations, in Unix seconds. */
  start: number;
  end: number;
  /** The part that the customer's balance paid. Stripe returns it if the invoice is voided. */
  creditUsed: number;
  /** The amount that it credited to the customer's balance after a change of interval. */
  credited: number;
  isOutOfBand: boolean;
  /** Whether it has a line for our product. */
  isOurs: boolean;
  payments: Payment[];
}

export interface SubscriptionState {
  id: string;
  customer: string;
  status: string;
  created: number;
  price: string;
  /** The id of its subscription item. */
  item: string;
  /** The price of a period, in the smallest unit of the currency. */
  amount: number;
  interval: string;
  currency: string;
  isTrial: boolean;
  /** Whether it is for our product. */
  isOurs: boolean;
  /** When it was changed to our product, in Unix seconds; null if it never was. */
  changedToOursAt: number | null;
  isEnding: boolean;
  /** Whether Nest scheduled the end of the trial, and the customer has not changed it since. */
  isEndScheduledByNest: boolean;
  cancelAt: number | null;
  pause: string | null;
  endedAt: number | null;
  /** The current period, in Unix seconds. */
  start: number;
  end: number;
  /** The oldest first. */
  invoices: InvoiceState[];
}

export interface Snapshot {
  now: number;
  subscriptions: SubscriptionState[];
  /** The ids of customers that Nest created. */
  ownCustomers: ReadonlySet<string>;
  /** By customer id. As at Stripe, a negative balance is credit of the customer. */
  customers: ReadonlyMap<string, { hasCard: boolean; balance: number }>;
}

/** The same state with one subscription as it was before. */
export function withEarlier(snapshot: Snapshot, earlier: SubscriptionState): Snapshot {
  const subscriptions = snapshot.subscriptions.map((one) => (one.id === earlier.id ? earlier : one));
  return { ...snapshot, subscriptions };
}

/**
 * Reads the state of every subscription of the double. All belong to one person, because each history resets the double.
 * @param changedToOurs when subscriptions were changed from another product, by id, in Unix seconds
 */
export function takeSnapshot(stripe: StripeDouble, changedToOurs: ReadonlyMap<string, number>): Snapshot {
  stripe.advance(0);
  const ledger = stripe.ledger();
  const charges = new Map(ledger.charges.map((charge) => [charge.payment_intent, charge]));
  for (const charge of ledger.charges) if (charge.paid) charges.set(charge.payment_intent, charge);
  const disputes = new Map(ledger.disputes.map(({ charge, status }) => [charge, status]));
  const stateOf = (invoice: Invoice): InvoiceState => ({
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
    isOurs: invoice.lines.data.some(({ pricing }) => pricing?.price_details?.product === PRODUCT_ID),
    payments: ledger.invoicePayments
      .filter((payment) => payment.invoice === invoice.id)
      .flatMap(({ payment }) => charges.get(payment.payment_intent ?? "") ?? [])
      .filter(({ paid }) => paid)
      .map((charge) => paymentOf(charge, disputes.get(charge.id))),
  });
  const invoices = ledger.invoices.map((invoice) => ({
    subscriptionId: invoice.parent?.subscription_details?.subscription,
    state: stateOf(invoice),
  }));
  const subscriptions = stripe.subscriptions().map((subscription) =>
    subscriptionStateOf(
      subscription,
      changedToOurs.get(subscription.id) ?? null,
      invoices.filter((each) => each.subscriptionId === subscription.id).map((each) => each.state),
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

function periodOf({ lines }: Invoice): Pick<InvoiceState, "start" | "end"> {
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

function subscriptionStateOf(
  subscription: Subscription,
  changedToOursAt: number | null,
  invoices: InvoiceState[],
): SubscriptionState {
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
    isOurs: item?.price.product === PRODUCT_ID,
    changedToOursAt,
    isEnding: subscription.cancel_at !== null || subscription.cancel_at_period_end,
    isEndScheduledByNest: subscription.cancel_at_period_end && subscription.metadata.scheduled_by === "nest",
    cancelAt: subscription.cancel_at,
    endedAt: subscription.ended_at,
    pause: subscription.pause_collection?.behavior ?? null,
    start: item?.current_period_start ?? 0,
    end: item?.current_period_end ?? 0,
    invoices,
  };
}

/** Whether a subscription has not ended. */
export const isOngoing = ({ status }: Pick<SubscriptionState, "status">) =>
  status !== "canceled" && status !== "incomplete_expired";
