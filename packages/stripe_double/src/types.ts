import type Stripe from "stripe";

/** The only API version of the double: that of the SDK in `peerDependencies`. */
export const API_VERSION: typeof Stripe.API_VERSION = "2026-10-28.endive";

/**
 * An SDK type as it is stored and sent: references are ids, decimals are strings, and enums contain only named values.
 * It is derived from the SDK's type. If a new SDK version requires a field or drops a value, the type check fails.
 */
export type Stored<T> = { [K in keyof T]: Field<T[K]> };
/** An expandable field, which the SDK types as an id or an object, is stored as the id. */
type Field<V> = [string] extends [V] ? Value<Closed<Exclude<V, { object: string }>>> : Value<V>;
/** The SDK types an enum as its values or any other string. The double uses only the values. */
type Closed<V> = [Literal<V>] extends [never] ? V : Literal<V> | Exclude<V, string>;
type Literal<V> = V extends string ? (string extends V ? never : V) : never;
type Value<V> = V extends Stripe.Decimal
  ? string
  : V extends (infer Element)[]
    ? Field<Element>[]
    : V extends object
      ? Stored<V>
      : V;

export type Customer = Stored<Stripe.Customer>;
export type DeletedCustomer = Stored<Stripe.DeletedCustomer>;
export type Product = Stored<Stripe.Product>;
export type Price = Stored<Stripe.Price>;
export type Plan = Stored<Stripe.Plan>;
export type Coupon = Stored<Stripe.Coupon>;
export type PromotionCode = Stored<Stripe.PromotionCode>;
export type Discount = Stored<Stripe.Discount>;
export type PaymentMethod = Stored<Stripe.PaymentMethod>;
export type Subscription = Stored<Stripe.Subscription>;
export type SubscriptionItem = Stored<Stripe.SubscriptionItem>;
export type Invoice = Stored<Stripe.Invoice>;
export type InvoiceLine = Invoice["lines"]["data"][number];
export type InvoicePayment = Stored<Stripe.InvoicePayment>;
export type PaymentIntent = Stored<Stripe.PaymentIntent>;
export type BalanceTransaction = Stored<Stripe.CustomerBalanceTransaction>;
export type Charge = Stored<Stripe.Charge>;
export type Refund = Stored<Stripe.Refund>;
export type Dispute = Stored<Stripe.Dispute>;
export type WebhookEndpoint = Stored<Stripe.WebhookEndpoint>;
export type TestClock = Stored<Stripe.TestHelpers.TestClock>;
export type CheckoutSession = Stored<Stripe.Checkout.Session>;
/** What a checkout session sells. */
export interface CheckoutOrder {
  items: { price: Price; quantity?: number; metadata?: Record<string, string> }[];
  /** Becomes the metadata of the subscription. */
  metadata: Record<string, string>;
  description: string | null;
  trialEnd: number | null;
  /** Why the last attempt to pay failed, as the page shows it. */
  refusal: string | null;
  /** The incomplete subscription after a declined card, and the promotion code that was typed with the card. */
  attempt: { subscription: string; promotionCode: string | null } | null;
  /** Whether the session is complete while its bank debit is processing. */
  awaitsDebit: boolean;
}
/** What a new checkout session sells. */
export type NewCheckoutOrder = Omit<CheckoutOrder, "refusal" | "attempt" | "awaitsDebit">;
export type PortalSession = Stored<Stripe.BillingPortal.Session>;

/** One page of a list. */
export interface List<Row> extends Omit<Stripe.ApiList<Row>, "data"> {
  data: Row[];
}

/** The body of a successful response. */
export type Answer =
  | Resource
  | DeletedCustomer
  | Product
  | Price
  | Coupon
  | PromotionCode
  | WebhookEndpoint
  | Stored<Stripe.DeletedWebhookEndpoint>
  | PortalSession
  | Stored<Stripe.TestHelpers.DeletedTestClock>
  | BalanceTransaction
  | DoubleEvent
  | List<{ id: string }>;

/** The types of the events that the double emits. */
export const EVENT_TYPES = [
  "charge.dispute.closed",
  "charge.dispute.created",
  "charge.dispute.updated",
  "charge.failed",
  "charge.pending",
  "charge.refund.updated",
  "charge.refunded",
  "charge.succeeded",
  "checkout.session.async_payment_failed",
  "checkout.session.async_payment_succeeded",
  "checkout.session.completed",
  "checkout.session.expired",
  "customer.created",
  "customer.deleted",
  "customer.subscription.created",
  "customer.subscription.deleted",
  "customer.subscription.paused",
  "customer.subscription.pending_update_applied",
  "customer.subscription.pending_update_expired",
  "customer.subscription.resumed",
  "customer.subscription.trial_will_end",
  "customer.subscription.updated",
  "customer.updated",
  "invoice.marked_uncollectible",
  "invoice.paid",
  "invoice.payment_failed",
  "invoice.voided",
  "invoice_payment.paid",
  "payment_intent.canceled",
  "payment_intent.created",
  "payment_intent.payment_failed",
  "payment_intent.processing",
  "payment_intent.succeeded",
  "payment_method.attached",
  "payment_method.detached",
  "refund.created",
  "refund.failed",
  "refund.updated",
  "test_helpers.test_clock.advancing",
  "test_helpers.test_clock.created",
  "test_helpers.test_clock.deleted",
  "test_helpers.test_clock.ready",
] as const satisfies readonly Stripe.Event["type"][];
export type EventType = (typeof EVENT_TYPES)[number];

/** The type of `data.object` in an event. */
export type ObjectOf<Type extends EventType> = Stored<
  Extract<Stripe.Event, { type: Type }>["data"]["object"]
>;
export type Resource = ObjectOf<EventType>;

/** An event of the double, as it is delivered and listed. */
export interface DoubleEvent extends Omit<Stored<Stripe.CustomerUpdatedEvent>, "type" | "data"> {
  type: EventType;
  data: { object: Resource; previous_attributes?: Record<string, unknown> };
}
