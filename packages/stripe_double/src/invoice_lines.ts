import { type Account, newId } from "./account.ts";
import { discounted } from "./promotions.ts";
import type { Invoice, InvoiceLine, Subscription, SubscriptionItem } from "./types.ts";

/**
 * The number of lines that an invoice itself contains: the default length of a page at Stripe. `GET /v1/invoices/:id/lines`
 * lists all. The SDK's type of the list has no `total_count`.
 */
const SHOWN_LINES = 10;

/** The lines as an invoice contains them: the first ones, and whether there are more. */
export function shownLines(invoice: string, lines: readonly InvoiceLine[]): Invoice["lines"] {
  return {
    object: "list",
    data: lines.slice(0, SHOWN_LINES),
    has_more: lines.length > SHOWN_LINES,
    url: `/v1/invoices/${invoice}/lines`,
  };
}

/** The line that bills a period of an item. */
export function lineOf(item: SubscriptionItem, invoice: string, isFree: boolean): InvoiceLine {
  const amount = isFree ? 0 : (item.price.unit_amount ?? 0) * (item.quantity ?? 1);
  return {
    id: newId("il"),
    object: "line_item",
    amount,
    currency: item.price.currency,
    description: null,
    discount_amounts: [],
    discountable: true,
    discounts: [],
    invoice,
    livemode: false,
    metadata: {},
    parent: {
      invoice_item_details: null,
      subscription_item_details: {
        invoice_item: null,
        proration: false,
        proration_details: { credited_items: null },
        subscription: item.subscription,
        subscription_item: item.id,
      },
      type: "subscription_item_details",
    },
    period: { end: item.current_period_end, start: item.current_period_start },
    pretax_credit_amounts: [],
    pricing: {
      price_details: { price: item.price.id, product: item.price.product },
      type: "price_details",
      unit_amount_decimal: item.price.unit_amount_decimal,
    },
    quantity: item.quantity ?? 1,
    quantity_decimal: String(item.quantity ?? 1),
    subscription: item.subscription,
    subtotal: amount,
    taxes: [],
  };
}

/**
 * The line for the rest of an item's period. Amounts with three decimals are multiples of 10.
 * @param kind whether the rest is credited or charged
 */
export function prorationOf(
  account: Account,
  subscription: Subscription,
  item: SubscriptionItem,
  kind: "credit" | "charge",
): InvoiceLine {
  const { current_period_start: start, current_period_end: end, price } = item;
  const now = account.now();
  const line = lineOf(item, "", false);
  const step = ["bhd", "jod", "kwd", "omr", "tnd"].includes(price.currency) ? 10 : 1;
  const whole = discounted(account, line.amount, subscription.discounts);
  const rest = Math.round((whole * Math.max(0, end - now)) / Math.max(1, end - start) / step) * step;
  const amount = kind === "credit" ? -rest : rest;
  if (line.parent?.subscription_item_details) {
    line.parent.subscription_item_details.invoice_item = newId("ii");
    line.parent.subscription_item_details.proration = true;
  }
  const period = { start: Math.min(now, end), end };
  return { ...line, amount, subtotal: amount, discountable: false, invoice: null, period };
}

/**
 * Adds the prorations of a change of items to the pending ones, which the subscription's next invoice bills. Pending items
 * are listed newest first.
 * @returns whether the change has prorations
 */
export function addProrations(
  account: Account,
  subscription: Subscription,
  next: readonly SubscriptionItem[],
): boolean {
  const before = subscription.items.data;
  const isIn = (items: readonly SubscriptionItem[], { id, price, quantity }: SubscriptionItem) =>
    items.some((one) => one.id === id && one.price.id === price.id && one.quantity === quantity);
  const lines = [
    ...before
      .filter((item) => !isIn(next, item))
      .map((item) => prorationOf(account, subscription, item, "credit")),
    ...next
      .filter((item) => !isIn(before, item))
      .map((item) => prorationOf(account, subscription, item, "charge")),
  ];
  const { pendingLines } = account.tables;
  pendingLines.set(subscription.id, [...lines, ...(pendingLines.get(subscription.id) ?? [])]);
  return lines.length > 0;
}
