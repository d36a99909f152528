import type { Account } from "./account.ts";
import { invalidRequest, unknownReference } from "./api_error.ts";
import { cancelNow, pause, resume, startSubscription } from "./billing.ts";
import { defaultPriceId } from "./catalog.ts";
import { attachCard, type CardDetails, createCustomer, requireCustomer } from "./customers.ts";
import { change } from "./events.ts";
import { addMonths, DAY_SECONDS, HOUR_SECONDS } from "./periods.ts";
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
  /** The address of the new customer. */
  email: string | null;
  /** An existing customer that buys. Default: a new customer. */
  customer?: string | undefined;
  /** Default: `trialing` if `trialDays` is set, or else `active`. */
  status?: SubscriptionStatus | undefined;
  trialDays?: number | undefined;
  /** One price, or the prices of several items. Default: the first price of the account's catalog. */
  price?: string | string[] | undefined;
  /** Default: a card that succeeds if the status needs a payment, or else none. */
  card?: CardDetails | undefined;
  metadata?: Record<string, string> | undefined;
  /** What happens at the end of a trial without a card. Default: `cancel`. */
  missingPaymentMethod?: "cancel" | "create_invoice" | "pause" | undefined;
  /** The id of a promotion code. */
  promotionCode?: string | undefined;
  billingMode?: "classic" | "flexible" | undefined;
}

/**
 * Creates a customer with a subscription. To reach a status such as `past_due`, the subscription starts in the past and all
 * scheduled tasks run until now.
 */
export function createInStatus(account: Account, wanted: NewSubscription): Subscription {
  const { status = wanted.trialDays === undefined ? "active" : "trialing" } = wanted;
  const now = account.now();
  switch (status) {
    case "trialing":
      return startFor(account, wanted, { trialDays: wanted.trialDays ?? 14 });
    case "incomplete":
      return startFor(account, wanted, { isPaidLater: true });
    case "incomplete_expired":
      return startInPast(account, now - 23 * HOUR_SECONDS, () =>
        startFor(account, wanted, { isPaidLater: true }),
      );
    case "paused":
      return startInPast(account, now - DAY_SECONDS, () =>
        startFor(account, { ...wanted, missingPaymentMethod: "pause" }, { trialDays: 1 }),
      );
    case "past_due":
      return startInPast(account, addMonths(now, -1), () => startWithDecliningRenewal(account, wanted));
    case "unpaid": {
      const subscription = startInPast(account, addMonths(now, -1), () =>
        startWithDecliningRenewal(account, wanted),
      );
      forceStatus(account, subscription, "unpaid");
      return subscription;
    }
    default: {
      const subscription = startFor(
        account,
        { ...wanted, card: wanted.card ?? (wanted.customer ? undefined : {}) },
        {},
      );
      if (status === "canceled") cancelNow(account, subscription, "cancellation_requested");
      return subscription;
    }
  }
}

/** Starts a subscription at a time in the past, and runs everything that is due since then. */
function startInPast(account: Account, time: number, start: () => Subscription): Subscription {
  const subscription = account.at(time, start);
  runDueTasks(account);
  return subscription;
}

function startFor(
  account: Account,
  wanted: NewSubscription,
  { trialDays, isPaidLater }: { trialDays?: number; isPaidLater?: boolean },
): Subscription {
  const prices = [wanted.price ?? defaultPriceId(account)].flat();
  const items = prices.map((id) => {
    const price = account.tables.prices.get(id);
    if (price === undefined) throw unknownReference("price", id, "price");
    return { price };
  });
  const promotion = wanted.promotionCode && account.tables.promotionCodes.get(wanted.promotionCode);
  if (wanted.promotionCode && !promotion) {
    throw unknownReference("promotion code", wanted.promotionCode, "promotionCode");
  }
  if (trialDays !== undefined && !(trialDays > 0)) throw invalidRequest("trialDays must be greater than 0.");
  const customer = wanted.customer
    ? requireCustomer(account, wanted.customer)
    : createCustomer(account, { email: wanted.email });
  if (wanted.card) attachCard(account, customer, wanted.card);
  const details = {
    customer: customer.id,
    items,
    trialEnd: trialDays === undefined ? null : account.now() + Math.round(trialDays * DAY_SECONDS),
    missingPaymentMethod: wanted.missingPaymentMethod ?? "cancel",
    metadata: wanted.metadata,
    billingMode: wanted.billingMode,
    discounts: promotion ? [{ coupon: promotion.promotion.coupon ?? "", promotionCode: promotion.id }] : [],
  };
  return startSubscription(account, details, { isPaidLater });
}

/** Starts a subscription whose first payment succeeds and whose later payments are declined. */
function startWithDecliningRenewal(account: Account, wanted: NewSubscription): Subscription {
  const subscription = startFor(account, { ...wanted, card: { ...wanted.card, declines: false } }, {});
  for (const [id, method] of account.tables.paymentMethods) {
    if (method.customer === subscription.customer) account.cards.set(id, "declines");
  }
  return subscription;
}

/** Sets the status of a subscription, with the event that Stripe sends for it. */
export function forceStatus(account: Account, subscription: Subscription, status: SubscriptionStatus): void {
  if (subscription.status === status) return;
  if (status === "canceled") cancelNow(account, subscription, "cancellation_requested");
  else if (status === "paused") pause(account, subscription);
  else if (subscription.status === "paused" && status === "active") resume(account, subscription);
  else change(account, subscription, { status }, "customer.subscription.updated");
}
