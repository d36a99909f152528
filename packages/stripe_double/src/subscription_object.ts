import { type Account, embed, newId } from "./account.ts";
import { planOf } from "./catalog.ts";
import { periodEnd } from "./periods.ts";
import { createDiscount } from "./promotions.ts";
import type { Price, Subscription, SubscriptionItem } from "./types.ts";

export interface ItemDetails {
  price: Price;
  quantity?: number;
  metadata?: Record<string, string>;
}

type EndBehavior = NonNullable<Subscription["trial_settings"]>["end_behavior"];
type PaymentSettings = NonNullable<Subscription["payment_settings"]>;

export interface SubscriptionDetails {
  customer: string;
  items: ItemDetails[];
  trialEnd?: number | null;
  missingPaymentMethod?: EndBehavior["missing_payment_method"];
  metadata?: Record<string, string>;
  description?: string | null;
  billingMode?: "classic" | "flexible";
  paymentSettings?: {
    saveDefault?: PaymentSettings["save_default_payment_method"];
    types?: PaymentSettings["payment_method_types"];
  };
  defaultPaymentMethod?: string | null;
  discounts?: { coupon: string; promotionCode: string | null }[];
}

/** Creates a subscription before its first invoice. It is not stored. */
export function newSubscription(account: Account, details: SubscriptionDetails): Subscription {
  const id = newId("sub");
  const now = account.now();
  const trialEnd = details.trialEnd ?? null;
  const isFlexible = details.billingMode !== "classic";
  return {
    id,
    object: "subscription",
    application: null,
    application_fee_percent: null,
    automatic_tax: { disabled_reason: null, enabled: false, liability: null },
    billing_cycle_anchor: trialEnd ?? now,
    billing_cycle_anchor_config: null,
    billing_mode: isFlexible
      ? { flexible: { proration_discounts: "included" }, type: "flexible", updated_at: now }
      : { flexible: null, type: "classic" },
    billing_schedules: [],
    billing_thresholds: null,
    cancel_at: null,
    cancel_at_period_end: false,
    canceled_at: null,
    cancellation_details: { comment: null, feedback: null, feedback_option: null, reason: null },
    collection_method: "charge_automatically",
    created: now,
    currency: details.items[0]?.price.currency ?? "gbp",
    customer: details.customer,
    customer_account: null,
    days_until_due: null,
    default_payment_method: details.defaultPaymentMethod ?? null,
    default_source: null,
    default_tax_rates: [],
    description: details.description ?? null,
    discounts: (details.discounts ?? []).map(
      (given) => createDiscount(account, { ...given, customer: details.customer, subscription: id }).id,
    ),
    ended_at: null,
    invoice_settings: {
      account_tax_ids: null,
      custom_fields: null,
      description: null,
      footer: null,
      issuer: { type: "self" },
    },
    items: embed(
      `/v1/subscription_items?subscription=${id}`,
      details.items.map((item) => newItem(account, id, item, trialEnd)),
    ),
    latest_invoice: null,
    livemode: false,
    managed_payments: null,
    metadata: details.metadata ?? {},
    next_pending_invoice_item_invoice: null,
    on_behalf_of: null,
    pause_collection: null,
    payment_settings: {
      payment_method_options: null,
      payment_method_types: details.paymentSettings?.types ?? null,
      save_default_payment_method: details.paymentSettings?.saveDefault ?? "off",
    },
    pending_invoice_item_interval: null,
    pending_setup_intent: null,
    pending_update: null,
    schedule: null,
    start_date: now,
    status: trialEnd === null ? "incomplete" : "trialing",
    test_clock: clockOf(account, details.customer),
    transfer_data: null,
    trial_end: trialEnd,
    trial_settings: {
      end_behavior: {
        billing_cycle_anchor: null,
        missing_payment_method: details.missingPaymentMethod ?? "create_invoice",
      },
    },
    trial_start: trialEnd === null ? null : now,
  };
}

function clockOf(account: Account, customerId: string): string | null {
  const customer = account.tables.customers.get(customerId);
  return (customer && "created" in customer && customer.test_clock) || null;
}

/** Creates a subscription item. Its first period is the trial, if there is one. */
export function newItem(
  account: Account,
  subscription: string,
  { price, quantity = 1, metadata = {} }: ItemDetails,
  trialEnd: number | null,
): SubscriptionItem {
  const now = account.now();
  return {
    id: newId("si", 14),
    object: "subscription_item",
    billing_thresholds: null,
    created: now,
    current_period_end: trialEnd ?? periodEnd(now, price, now),
    current_period_start: now,
    current_trial: null,
    discounts: [],
    metadata,
    plan: planOf(price),
    price,
    quantity,
    subscription,
    tax_rates: [],
  };
}

/** The end of the current period, in Unix seconds. */
export function periodEndOf({ items }: Subscription): number {
  return Math.max(...items.data.map(({ current_period_end }) => current_period_end));
}

/** Whether a subscription has ended. Its status never changes again. */
export function isOver({ status }: Subscription): boolean {
  return status === "canceled" || status === "incomplete_expired";
}
