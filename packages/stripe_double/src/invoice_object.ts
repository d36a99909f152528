import { type Account, embed, newId } from "./account.ts";
import { discounted } from "./promotions.ts";
import type { Invoice, Subscription } from "./types.ts";

export type BillingReason = "subscription_create" | "subscription_cycle" | "subscription_update";

/**
 * Creates the finalized invoice of a subscription's current period. It is not stored.
 * @param details.isFree for a trial, which costs nothing
 */
export function newInvoice(
  account: Account,
  subscription: Subscription,
  { reason, isFree = false }: { reason: BillingReason; isFree?: boolean },
): Invoice {
  const id = newId("in");
  const customer = account.tables.customers.get(subscription.customer);
  const living = customer !== undefined && "created" in customer ? customer : null;
  const price = isFree ? 0 : priceOf(subscription);
  const due = discounted(account, price, subscription.discounts);
  const now = account.now();
  const { items } = subscription;
  const start = items.data[0]?.current_period_start ?? now;
  const end = items.data[0]?.current_period_end ?? now;
  const sequence = living?.next_invoice_sequence ?? 1;
  if (living) living.next_invoice_sequence = sequence + 1;
  return {
    id,
    object: "invoice",
    account_country: account.settings.country,
    account_name: account.settings.name,
    account_tax_ids: null,
    amount_due: due,
    amount_overpaid: 0,
    amount_paid: 0,
    amount_paid_off_stripe: 0,
    amount_remaining: due,
    amount_shipping: 0,
    application: null,
    attempt_count: 0,
    attempted: false,
    auto_advance: due > 0,
    automatic_tax: { disabled_reason: null, enabled: false, liability: null, provider: null, status: null },
    automatically_finalizes_at: null,
    billing_reason: reason,
    collection_method: "charge_automatically",
    created: now,
    currency: subscription.currency,
    custom_fields: null,
    customer: subscription.customer,
    customer_account: null,
    customer_address: null,
    customer_email: living?.email ?? null,
    customer_name: living?.name ?? null,
    customer_phone: null,
    customer_shipping: null,
    customer_tax_exempt: "none",
    customer_tax_ids: [],
    default_payment_method: null,
    default_source: null,
    default_tax_rates: [],
    description: null,
    discounts: subscription.discounts,
    due_date: null,
    effective_at: now,
    ending_balance: 0,
    footer: null,
    from_invoice: null,
    hosted_invoice_url: null,
    invoice_pdf: null,
    issuer: { type: "self" },
    last_finalization_error: null,
    latest_revision: null,
    lines: embed(
      `/v1/invoices/${id}/lines`,
      items.data.map((item) => lineOf(item, id, isFree)),
    ),
    livemode: false,
    metadata: {},
    next_payment_attempt: null,
    number: `${living?.invoice_prefix ?? "INV"}-${String(sequence).padStart(4, "0")}`,
    on_behalf_of: null,
    parent: {
      quote_details: null,
      subscription_details: { metadata: subscription.metadata, subscription: subscription.id },
      type: "subscription_details",
    },
    payment_settings: { default_mandate: null, payment_method_options: null, payment_method_types: null },
    period_end: reason === "subscription_cycle" ? start : now,
    period_start: reason === "subscription_cycle" ? start - (end - start) : now,
    post_payment_credit_notes_amount: 0,
    pre_payment_credit_notes_amount: 0,
    receipt_number: null,
    rendering: null,
    shipping_cost: null,
    shipping_details: null,
    starting_balance: 0,
    statement_descriptor: null,
    status: "open",
    status_transitions: {
      finalized_at: now,
      marked_uncollectible_at: null,
      paid_at: null,
      voided_at: null,
    },
    subtotal: price,
    subtotal_excluding_tax: price,
    test_clock: subscription.test_clock,
    total: due,
    total_discount_amounts: subscription.discounts.map((discount) => ({ amount: price - due, discount })),
    total_excluding_tax: due,
    total_pretax_credit_amounts: [],
    total_taxes: [],
    webhooks_delivered_at: now,
  };
}

function priceOf({ items }: Subscription): number {
  return items.data.reduce((sum, { price, quantity }) => sum + (price.unit_amount ?? 0) * (quantity ?? 1), 0);
}

function lineOf(
  item: Subscription["items"]["data"][number],
  invoice: string,
  isFree: boolean,
): Invoice["lines"]["data"][number] {
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
