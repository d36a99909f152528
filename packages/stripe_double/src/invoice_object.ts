import { type Account, newId } from "./account.ts";
import { balanceFor } from "./balance.ts";
import { lineOf, prorationOf, shownLines } from "./invoice_lines.ts";
import { discounted } from "./promotions.ts";
import type { Customer, Invoice, InvoiceLine, Subscription, SubscriptionItem } from "./types.ts";

export type BillingReason = "subscription_create" | "subscription_cycle" | "subscription_update";

export interface InvoiceDetails {
  reason: BillingReason;
  /** For a trial, which costs nothing. */
  isFree?: boolean;
  /** The items whose period starts. Default: all. */
  items?: readonly SubscriptionItem[];
  /** The items as they were before a change. The rest of their paid period is credited. */
  credited?: readonly SubscriptionItem[];
  /** The invoice is not finalized. It shows the customer's balance, but does not use it yet. */
  isDraft?: boolean;
}

export interface NewInvoice {
  /** It contains only the first lines. */
  invoice: Invoice;
  lines: InvoiceLine[];
}

/**
 * Creates the invoice of a subscription's current period, without its status. It is not stored. Its lines are sorted as
 * Stripe documents it: pending ones, newest first, then those of the items, newest first.
 */
export function newInvoice(
  account: Account,
  subscription: Subscription,
  { reason, isFree = false, items = subscription.items.data, credited = [], isDraft = false }: InvoiceDetails,
): NewInvoice {
  const id = newId("in");
  const customer = account.tables.customers.get(subscription.customer);
  const living: Customer | null = customer !== undefined && "created" in customer ? customer : null;
  const now = account.now();
  const prorations = [
    ...credited.map((item) => prorationOf(account, subscription, item, "credit")),
    ...(account.tables.pendingLines.get(subscription.id) ?? []),
  ];
  const prorated = prorations.reduce((sum, { amount }) => sum + amount, 0);
  const newest = items.toSorted((one, other) => other.created - one.created);
  const lines = [
    ...prorations.map((line) => ({ ...line, invoice: id })),
    ...newest.map((item) => lineOf(item, id, isFree)),
  ];
  const price = isFree ? 0 : priceOf(items);
  const discountedPrice = discounted(account, price, subscription.discounts);
  const total = discountedPrice + prorated;
  const applied = balanceFor(living, total, subscription.currency);
  const due = total + applied;
  const balance = total === 0 ? 0 : (living?.balance ?? 0);
  const start = items[0]?.current_period_start ?? now;
  const end = items[0]?.current_period_end ?? now;
  const sequence = living?.next_invoice_sequence ?? 1;
  if (living && !isDraft) living.next_invoice_sequence = sequence + 1;
  const invoice: Invoice = {
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
    auto_advance: due > 0 && !isDraft,
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
    effective_at: isDraft ? null : now,
    ending_balance: isDraft ? null : balance - applied,
    footer: null,
    from_invoice: null,
    hosted_invoice_url: null,
    invoice_pdf: null,
    issuer: { type: "self" },
    last_finalization_error: null,
    latest_revision: null,
    lines: shownLines(id, lines),
    livemode: false,
    metadata: {},
    next_payment_attempt: null,
    number: isDraft ? null : `${living?.invoice_prefix ?? "INV"}-${String(sequence).padStart(4, "0")}`,
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
    starting_balance: balance,
    statement_descriptor: null,
    status: isDraft ? "draft" : "open",
    status_transitions: {
      finalized_at: isDraft ? null : now,
      marked_uncollectible_at: null,
      paid_at: null,
      voided_at: null,
    },
    subtotal: price + prorated,
    subtotal_excluding_tax: price + prorated,
    test_clock: subscription.test_clock,
    total,
    total_discount_amounts: subscription.discounts.map((discount) => ({
      amount: price - discountedPrice,
      discount,
    })),
    total_excluding_tax: total,
    total_pretax_credit_amounts: [],
    total_taxes: [],
    webhooks_delivered_at: now,
  };
  return { invoice, lines };
}

function priceOf(items: readonly SubscriptionItem[]): number {
  return items.reduce((sum, { price, quantity }) => sum + (price.unit_amount ?? 0) * (quantity ?? 1), 0);
}
