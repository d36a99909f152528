import { cardOf, openInvoice } from "./billing.ts";
import { isOver, periodEndOf } from "./subscription_object.ts";
import type { Subscription } from "./types.ts";
import { type CardBehaviour, newestFirst, type World } from "./world.ts";

/** A subscription as a person looks at it: whose it is, what it costs, what pays for it. Moments are unix seconds. */
export interface SubscriptionSummary {
  id: string;
  status: Subscription["status"];
  isOver: boolean;
  customer: { id: string; email: string | null };
  /** Per period, in the currency's smallest unit. */
  price: { amount: number; currency: string; interval: string };
  card: { last4: string; behaviour: CardBehaviour } | null;
  /** What the open invoice waits for; null: nothing is owed. */
  owed: number | null;
  createdAt: number;
  trialEnd: number | null;
  periodEnd: number;
  cancelAt: number | null;
  endedAt: number | null;
}

/** Every subscription of an account, or of one customer, newest first. */
export function summarize(world: World, customer?: string): SubscriptionSummary[] {
  return newestFirst(world.tables.subscriptions)
    .filter((row) => customer === undefined || row.customer === customer)
    .map((row) => summaryOf(world, row));
}

function summaryOf(world: World, subscription: Subscription): SubscriptionSummary {
  const customer = world.tables.customers.get(subscription.customer);
  const method = cardOf(world, subscription);
  const price = subscription.items.data[0]?.price;
  return {
    id: subscription.id,
    status: subscription.status,
    isOver: isOver(subscription),
    customer: {
      id: subscription.customer,
      email: customer && "created" in customer ? customer.email : null,
    },
    price: {
      amount: price?.unit_amount ?? 0,
      currency: subscription.currency,
      interval: price?.recurring?.interval ?? "month",
    },
    card: method && {
      last4: method.card?.last4 ?? "",
      behaviour: world.cards.get(method.id) ?? "succeeds",
    },
    owed: openInvoice(world, subscription)?.amount_remaining ?? null,
    createdAt: subscription.created,
    trialEnd: subscription.trial_end,
    periodEnd: periodEndOf(subscription),
    cancelAt: subscription.cancel_at,
    endedAt: subscription.ended_at,
  };
}
