export { type OlderEvent, toAcaciaEvent } from "./acacia_events.ts";
export type { CardBehavior, RefundRefusal } from "./account.ts";
export { ApiError, type StripeErrorBody } from "./api_error.ts";
export type { CheckoutPayment } from "./checkout.ts";
export type { Controls, ForcedChange } from "./controls.ts";
export type { CardDetails } from "./customers.ts";
export type { DeliveryAttempt, DeliveryBehavior } from "./deliveries.ts";
export type { StripeFault, StripeFaultKind } from "./faults.ts";
export type { PromotionDetails } from "./promotions.ts";
export { type NewSubscription, SUBSCRIPTION_STATUSES, type SubscriptionStatus } from "./scenarios.ts";
export {
  type AccountSettings,
  DEFAULT_PRICE,
  DEFAULT_PRODUCT,
  type PriceSeed,
  type ProductSeed,
} from "./settings.ts";
export { type StripeDouble, type StripeDoubleOptions, startStripeDouble } from "./stripe_double.ts";
export type { SubscriptionSummary } from "./summary.ts";
export type { ThinEvent } from "./thin_events.ts";
export { type ForcedFields, type RecordedRequest, type TrafficRecord, traffic } from "./traffic.ts";
export { API_VERSION, type DoubleEvent, EVENT_TYPES, type EventType } from "./types.ts";
export type { SignedEvent } from "./webhook_sender.ts";
