import type Stripe from "stripe";

/** The one API version the double speaks: the pinned SDK's. */
export const API_VERSION: typeof Stripe.API_VERSION = "2026-10-28.endive";

/**
 * An SDK type as it lies in the store and goes over the wire: references are ids, decimals are strings. It is derived
 * from the SDK, so that a field that a new SDK requires breaks the type check here.
 */
export type Stored<T> = { [K in keyof T]: Field<T[K]> };
type Field<V> = [string] extends [V] ? Exclude<V, { id: string }> : Value<V>;
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
export type InvoicePayment = Stored<Stripe.InvoicePayment>;
export type PaymentIntent = Stored<Stripe.PaymentIntent>;
export type Charge = Stored<Stripe.Charge>;
export type Refund = Stored<Stripe.Refund>;
export type Dispute = Stored<Stripe.Dispute>;
export type WebhookEndpoint = Stored<Stripe.WebhookEndpoint>;
export type PortalSession = Stored<Stripe.BillingPortal.Session>;

/** Everything in the store that an event can be about. */
export type Resource =
  | Customer
  | DeletedCustomer
  | Subscription
  | Invoice
  | InvoicePayment
  | PaymentIntent
  | PaymentMethod
  | Charge
  | Refund
  | Dispute;

/** An event as it is posted and listed. */
export interface DoubleEvent {
  id: string;
  object: "event";
  api_version: string | null;
  created: number;
  data: { object: Resource; previous_attributes?: Record<string, unknown> };
  livemode: boolean;
  pending_webhooks: number;
  request: { id: string | null; idempotency_key: string | null } | null;
  type: Stripe.Event["type"];
}
