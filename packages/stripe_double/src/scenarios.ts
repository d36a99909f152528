import { cancelNow, pause, resume, startSubscription } from "./billing.ts";
import { BEAK_PRICE } from "./catalogue.ts";
import { attachCard, type CardDetails, createCustomer } from "./customers.ts";
import { change } from "./events.ts";
import { catchUp } from "./life.ts";
import { addMonths, DAY, HOUR } from "./periods.ts";
import { invalidRequest, missingReference } from "./refusal.ts";
import type { Subscription } from "./types.ts";
import type { World } from "./world.ts";

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
export function subscriptionIn(world: World, wanted: NewSubscription): Subscription {
  const { status = wanted.trialDays === undefined ? "active" : "trialing" } = wanted;
  const now = world.now();
  switch (status) {
    case "trialing":
      return begin(world, wanted, { trialDays: wanted.trialDays ?? 14 });
    case "incomplete":
      return begin(world, wanted, { isPaidLater: true });
    case "incomplete_expired":
      return since(world, now - 23 * HOUR, () => begin(world, wanted, { isPaidLater: true }));
    case "paused":
      return since(world, now - DAY, () =>
        begin(world, { ...wanted, missingPaymentMethod: "pause" }, { trialDays: 1 }),
      );
    case "past_due":
      return since(world, addMonths(now, -1), () => beginUnrenewable(world, wanted));
    case "unpaid": {
      const subscription = since(world, addMonths(now, -1), () => beginUnrenewable(world, wanted));
      forceStatus(world, subscription, "unpaid");
      return subscription;
    }
    default: {
      const subscription = begin(world, { ...wanted, card: wanted.card ?? {} }, {});
      if (status === "canceled") cancelNow(world, subscription, "cancellation_requested");
      return subscription;
    }
  }
}

/** Begins in the past, and lives from there until now. */
function since(world: World, moment: number, start: () => Subscription): Subscription {
  const subscription = world.at(moment, start);
  catchUp(world);
  return subscription;
}

function begin(
  world: World,
  wanted: NewSubscription,
  { trialDays, isPaidLater }: { trialDays?: number; isPaidLater?: boolean },
): Subscription {
  const price = world.tables.prices.get(wanted.price ?? BEAK_PRICE);
  if (price === undefined) throw missingReference("price", wanted.price ?? BEAK_PRICE, "price");
  const promotion = wanted.promotionCode && world.tables.promotionCodes.get(wanted.promotionCode);
  if (wanted.promotionCode && !promotion) {
    throw missingReference("promotion code", wanted.promotionCode, "promotionCode");
  }
  if (trialDays !== undefined && !(trialDays > 0)) throw invalidRequest("A trial lasts longer than that.");
  const customer = createCustomer(world, { email: wanted.email });
  if (wanted.card) attachCard(world, customer, wanted.card);
  const details = {
    customer: customer.id,
    items: [{ price }],
    trialEnd: trialDays === undefined ? null : world.now() + Math.round(trialDays * DAY),
    missingPaymentMethod: wanted.missingPaymentMethod ?? "cancel",
    metadata: wanted.metadata,
    billingMode: wanted.billingMode,
    discounts: promotion ? [{ coupon: promotion.promotion.coupon ?? "", promotionCode: promotion.id }] : [],
  };
  return startSubscription(world, details, { isPaidLater });
}

/** Pays once, with a card that will decline from then on. */
function beginUnrenewable(world: World, wanted: NewSubscription): Subscription {
  const subscription = begin(world, { ...wanted, card: { ...wanted.card, declines: false } }, {});
  for (const [id, method] of world.tables.paymentMethods) {
    if (method.customer === subscription.customer) world.cards.set(id, "declines");
  }
  return subscription;
}

/** Puts a subscription into a status, by its own event where it has one. */
export function forceStatus(world: World, subscription: Subscription, status: SubscriptionStatus): void {
  if (subscription.status === status) return;
  if (status === "canceled") cancelNow(world, subscription, "cancellation_requested");
  else if (status === "paused") pause(world, subscription);
  else if (subscription.status === "paused" && status === "active") resume(world, subscription);
  else change(world, subscription, { status }, "customer.subscription.updated");
}
