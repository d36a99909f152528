import type { Account } from "./account.ts";
import { invalidRequest, missingReference } from "./api_error.ts";
import { cancelNow, pause, resume, startSubscription } from "./billing.ts";
import { defaultPriceId } from "./catalog.ts";
import { attachCard, type CardDetails, createCustomer } from "./customers.ts";
import { change } from "./events.ts";
import { addMonths, DAY, HOUR } from "./periods.ts";
import { runDueTasks } from "./schedule.ts";
import type { Subscription } from "./types.ts";

export const SUBSCRIPTION_STATUSES = [
  "active",
  "canceled",
  "incomplete",
  "incomplete_expired",
  "past_due",
  "paused",
  "trialing",
  "unpaid",
] as const;
export type SubscriptionStatus = (typeof SUBSCRIPTION_STATUSES)[number];

export interface NewSubscription {
  email: string | null;
  /** `trialing` with `trialDays`, else `active`, unless told. */
  status?: SubscriptionStatus | undefined;
  trialDays?: number | undefined;
  /** The seeded monthly price unless told. */
  price?: string | undefined;
  /** Who pays gets a good card unless told; a trial has one only if told. */
  card?: CardDetails | undefined;
  metadata?: Record<string, string> | undefined;
  /** What a trial without a card ends in; `cancel` unless told. */
  missingPaymentMethod?: "cancel" | "create_invoice" | "pause" | undefined;
  promotionCode?: string | undefined;
  billingMode?: "classic" | "flexible" | undefined;
}

/** Makes a customer and a subscription, and brings it to its status by living through what leads there. */
export function subscriptionIn(account: Account, wanted: NewSubscription): Subscription {
  const { status = wanted.trialDays === undefined ? "active" : "trialing" } = wanted;
  const now = account.now();
  switch (status) {
    case "trialing":
      return begin(account, wanted, { trialDays: wanted.trialDays ?? 14 });
    case "incomplete":
      return begin(account, wanted, { isPaidLater: true });
    case "incomplete_expired":
      return since(account, now - 23 * HOUR, () => begin(account, wanted, { isPaidLater: true }));
    case "paused":
      return since(account, now - DAY, () =>
        begin(account, { ...wanted, missingPaymentMethod: "pause" }, { trialDays: 1 }),
      );
    case "past_due":
      return since(account, addMonths(now, -1), () => beginUnrenewable(account, wanted));
    case "unpaid": {
      const subscription = since(account, addMonths(now, -1), () => beginUnrenewable(account, wanted));
      forceStatus(account, subscription, "unpaid");
      return subscription;
    }
    default: {
      const subscription = begin(account, { ...wanted, card: wanted.card ?? {} }, {});
      if (status === "canceled") cancelNow(account, subscription, "cancellation_requested");
      return subscription;
    }
  }
}

/** Begins in the past, and lives from there until now. */
function since(account: Account, moment: number, start: () => Subscription): Subscription {
  const subscription = account.at(moment, start);
  runDueTasks(account);
  return subscription;
}

function begin(
  account: Account,
  wanted: NewSubscription,
  { trialDays, isPaidLater }: { trialDays?: number; isPaidLater?: boolean },
): Subscription {
  const priceId = wanted.price ?? defaultPriceId(account);
  const price = account.tables.prices.get(priceId);
  if (price === undefined) throw missingReference("price", priceId, "price");
  const promotion = wanted.promotionCode && account.tables.promotionCodes.get(wanted.promotionCode);
  if (wanted.promotionCode && !promotion) {
    throw missingReference("promotion code", wanted.promotionCode, "promotionCode");
  }
  if (trialDays !== undefined && !(trialDays > 0)) throw invalidRequest("A trial lasts longer than that.");
  const customer = createCustomer(account, { email: wanted.email });
  if (wanted.card) attachCard(account, customer, wanted.card);
  const details = {
    customer: customer.id,
    items: [{ price }],
    trialEnd: trialDays === undefined ? null : account.now() + Math.round(trialDays * DAY),
    missingPaymentMethod: wanted.missingPaymentMethod ?? "cancel",
    metadata: wanted.metadata,
    billingMode: wanted.billingMode,
    discounts: promotion ? [{ coupon: promotion.promotion.coupon ?? "", promotionCode: promotion.id }] : [],
  };
  return startSubscription(account, details, { isPaidLater });
}

/** Pays once, with a card that will decline from then on. */
function beginUnrenewable(account: Account, wanted: NewSubscription): Subscription {
  const subscription = begin(account, { ...wanted, card: { ...wanted.card, declines: false } }, {});
  for (const [id, method] of account.tables.paymentMethods) {
    if (method.customer === subscription.customer) account.cards.set(id, "declines");
  }
  return subscription;
}

/** Puts a subscription into a status, by its own event where it has one. */
export function forceStatus(account: Account, subscription: Subscription, status: SubscriptionStatus): void {
  if (subscription.status === status) return;
  if (status === "canceled") cancelNow(account, subscription, "cancellation_requested");
  else if (status === "paused") pause(account, subscription);
  else if (subscription.status === "paused" && status === "active") resume(account, subscription);
  else change(account, subscription, { status }, "customer.subscription.updated");
}
