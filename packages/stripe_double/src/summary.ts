import { type Account, type CardBehavior, newestFirst } from "./account.ts";
import { cardOf, openInvoice } from "./billing.ts";
import { isOver, periodEndOf } from "./subscription_object.ts";
import type { Subscription } from "./types.ts";

/** A subscription in a short form for pages and logs. Times are Unix seconds. */
export interface SubscriptionSummary {
  id: string;
  status: Subscription["status"];
  isOver: boolean;
  customer: { id: string; email: string | null };
  /** The name of the product. */
  product: string;
  /** Per period, in the smallest unit of the currency. */
  price: { amount: number; currency: string; interval: string };
  /** The card that the subscription is charged to. */
  card: { last4: string; behavior: CardBehavior } | null;
  /** The unpaid amount of the open invoice, or null when no invoice is open. */
  owed: number | null;
  createdAt: number;
  trialEnd: number | null;
  periodEnd: number;
  cancelAt: number | null;
  endedAt: number | null;
}

/** All subscriptions of the account, or of one customer, newest first. */
export function summarize(account: Account, customer?: string): SubscriptionSummary[] {
  return newestFirst(account.tables.subscriptions)
    .filter((row) => customer === undefined || row.customer === customer)
    .map((row) => summaryOf(account, row));
}

function summaryOf(account: Account, subscription: Subscription): SubscriptionSummary {
  const customer = account.tables.customers.get(subscription.customer);
  const card = cardOf(account, subscription);
  const price = subscription.items.data[0]?.price;
  return {
    id: subscription.id,
    status: subscription.status,
    isOver: isOver(subscription),
    customer: {
      id: subscription.customer,
      email: customer && "created" in customer ? customer.email : null,
    },
    product: account.tables.products.get(price?.product ?? "")?.name ?? "Subscription",
    price: {
      amount: price?.unit_amount ?? 0,
      currency: subscription.currency,
      interval: price?.recurring?.interval ?? "month",
    },
    card: card && {
      last4: card.card?.last4 ?? "",
      behavior: account.cards.get(card.id) ?? "succeeds",
    },
    owed: openInvoice(account, subscription)?.amount_remaining ?? null,
    createdAt: subscription.created,
    trialEnd: subscription.trial_end,
    periodEnd: periodEndOf(subscription),
    cancelAt: subscription.cancel_at,
    endedAt: subscription.ended_at,
  };
}
