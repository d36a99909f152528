import type { Account } from "./account.ts";
import { invalidRequest } from "./api_error.ts";
import { expire, retryPayment, startSubscription } from "./billing.ts";
import { type CheckoutTerms, newCheckoutSession } from "./checkout_object.ts";
import { attachCard, type CardDetails, requireCustomer } from "./customers.ts";
import { change } from "./events.ts";
import { discounted } from "./promotions.ts";
import { isOver } from "./subscription_object.ts";
import type {
  CheckoutOrder,
  CheckoutSession,
  NewCheckoutOrder,
  PromotionCode,
  Subscription,
} from "./types.ts";

const DECLINED = "Your card was declined.";

/** How a customer pays. */
export interface CheckoutPayment {
  /** Default: a card that succeeds. A card with `processes` is a bank debit: the session is complete before it is paid. */
  card?: CardDetails;
  /**
   * Whether the subscription stays `incomplete` while the bank debit is processing. Default: it is active at once. Stripe's
   * pages describe both.
   */
  isIncompleteUntilPaid?: boolean;
  /** What the customer types as promotion code. */
  promotionCode?: string;
}

/** Stores an open checkout session. Its URL is a page of the double. */
export function openCheckout(
  account: Account,
  base: string,
  terms: CheckoutTerms,
  order: NewCheckoutOrder,
): CheckoutSession {
  const session = newCheckoutSession(account, base, terms, order.items);
  account.tables.checkoutSessions.set(session.id, session);
  account.tables.checkoutOrders.set(session.id, {
    ...order,
    refusal: null,
    attempt: null,
    awaitsDebit: false,
  });
  return session;
}

/**
 * Pays a checkout session with a new card, as its customer does on the page. A card that declines leaves the session open
 * and the subscription `incomplete`, with a failed payment. The next card pays the same subscription.
 * @returns the subscription, or null if the payment was declined or the promotion code is unknown
 * @throws ApiError if the session is not open
 */
export function payCheckout(
  account: Account,
  session: CheckoutSession,
  { card = {}, promotionCode = "", isIncompleteUntilPaid = false }: CheckoutPayment = {},
): Subscription | null {
  requireOpen(session, "paid");
  const order = account.tables.checkoutOrders.get(session.id);
  if (order === undefined) return null;
  const promotion = promotionCode === "" ? null : promotionNamed(account, promotionCode);
  if (promotion === undefined) return refuse(order, "This promotion code is not valid.");
  // Without a payment, a card is only checked.
  if (card.declines && order.trialEnd !== null) return refuse(order, DECLINED);
  const customer = requireCustomer(account, String(session.customer));
  const method = attachCard(account, customer, card, { isDefault: false });
  const coupons = promotion
    ? [{ coupon: promotion.promotion.coupon ?? "", promotionCode: promotion.id }]
    : [];
  const subscription =
    payAgain(account, order, method.id, promotion?.id ?? null) ??
    startSubscription(
      account,
      {
        customer: customer.id,
        items: order.items,
        metadata: order.metadata,
        description: order.description,
        trialEnd: order.trialEnd,
        defaultPaymentMethod: method.id,
        discounts: coupons,
      },
      { isIncompleteUntilPaid },
    );
  if (card.declines && subscription.status === "incomplete") {
    order.attempt = { subscription: subscription.id, promotionCode: promotion?.id ?? null };
    return refuse(order, DECLINED);
  }
  const invoice = account.tables.invoices.get(String(subscription.latest_invoice));
  const discounts = subscription.discounts.flatMap((id) => account.tables.discounts.get(id) ?? []);
  const subtotal = session.amount_subtotal ?? 0;
  const total = discounts.length > 0 ? discounted(account, subtotal, subscription.discounts) : subtotal;
  const patch: Partial<CheckoutSession> = {
    status: "complete",
    payment_status: invoice?.status === "paid" ? "paid" : "unpaid",
    subscription: subscription.id,
    invoice: subscription.latest_invoice as string | null,
    url: null,
    amount_total: total,
    total_details: { amount_discount: subtotal - total, amount_shipping: 0, amount_tax: 0 },
    discounts: discounts.map(({ promotion_code }) => ({ coupon: null, promotion_code })),
  };
  order.awaitsDebit = invoice?.status === "open";
  change(account, session, patch, "checkout.session.completed");
  return subscription;
}

/**
 * Pays the subscription that an earlier card of the same page left incomplete.
 * @returns null if there is none, or it has expired, or the customer has typed another promotion code since
 */
function payAgain(
  account: Account,
  { attempt }: CheckoutOrder,
  method: string,
  promotionCode: string | null,
): Subscription | null {
  const subscription = account.tables.subscriptions.get(attempt?.subscription ?? "");
  if (subscription === undefined || isOver(subscription)) return null;
  // It was paid elsewhere, such as in the billing portal.
  if (subscription.status !== "incomplete") return subscription;
  if (attempt?.promotionCode !== promotionCode) {
    expire(account, subscription);
    return null;
  }
  change(account, subscription, { default_payment_method: method }, "customer.subscription.updated");
  retryPayment(account, subscription);
  return subscription;
}

function promotionNamed({ tables }: Account, code: string): PromotionCode | undefined {
  const wanted = code.trim().toLowerCase();
  return [...tables.promotionCodes.values()].find((row) => row.active && row.code.toLowerCase() === wanted);
}

function refuse(order: CheckoutOrder, why: string): null {
  order.refusal = why;
  return null;
}

/**
 * Ends a checkout session that nobody paid, and its incomplete subscription after a declined card.
 * @throws ApiError if the session is not open
 */
export function expireCheckout(account: Account, session: CheckoutSession): CheckoutSession {
  requireOpen(session, "expired");
  change(account, session, { status: "expired", url: null }, "checkout.session.expired");
  const { attempt } = account.tables.checkoutOrders.get(session.id) ?? { attempt: null };
  const subscription = account.tables.subscriptions.get(attempt?.subscription ?? "");
  if (subscription?.status === "incomplete") expire(account, subscription);
  return session;
}

function requireOpen({ status }: CheckoutSession, action: string): void {
  if (status === "open") return;
  throw invalidRequest(
    `Only Checkout Sessions with a status in ["open"] can be ${action}. This Checkout Session has a status of \`${status}\`.`,
  );
}
