import type Stripe from "stripe";

/** The events to which the webhook endpoint subscribes. All others are recorded as ignored (contract 1.3). */
export const STRIPE_EVENTS = {
  "customer.subscription.created":
    "Stores the subscription, and its user if they are new. Keeps one subscription per user. Sends the welcome mail.",
  "customer.subscription.updated":
    "Updates the subscription from Stripe. Sends the welcome mail if it is still due.",
  "customer.subscription.paused":
    "Updates the subscription from Stripe: it grants no access until it is resumed.",
  "customer.subscription.resumed": "Updates the subscription from Stripe.",
  "customer.subscription.pending_update_applied":
    "Updates the subscription from Stripe: a change of plan was paid, so its features start.",
  "customer.subscription.pending_update_expired":
    "Updates the subscription from Stripe: a change of plan was not paid, so the old plan stays.",
  "customer.subscription.deleted": "Updates the subscription from Stripe: it has ended.",
  "customer.subscription.trial_will_end":
    "Updates the subscription from Stripe. Sends one reminder mail for each day on which a trial ends. It sends none within 24 hours of the welcome mail, and none for a trial that nobody used, unless a heartbeat reported the trial as usable.",
  "charge.dispute.created":
    "Records the dispute on the subscription whose payment is disputed, and raises an alarm, also if the subscription is not stored.",
  "charge.dispute.closed":
    "Records how the dispute ended, and raises an alarm. If the customer's bank rejected the dispute, returns the payment that was held back when the subscription was rejected.",
  "payment_intent.created": "Is recorded and counted.",
  "payment_intent.processing": "Is recorded and counted.",
  "payment_intent.succeeded":
    "Is recorded and counted. Refunds the payment if its subscription was rejected. Updates a subscription whose first payment was processing. Raises an alarm if the payment succeeded after its subscription had ended.",
  "payment_intent.payment_failed":
    "Is recorded and counted, with a warning in the log. Voids the invoice if its subscription was rejected.",
  "payment_intent.canceled": "Is recorded and counted.",
  "invoice.paid":
    "Updates a subscription whose record says that a payment is owed. Stripe sends no other event about an invoice that was paid outside Stripe. Returns the money of an invoice of a rejected subscription.",
  "refund.updated": "Records how a refund of a rejected subscription ended.",
  "refund.failed": "Records that a refund of a rejected subscription failed, and raises an alarm.",
} as const satisfies Partial<Record<Stripe.WebhookEndpointCreateParams.EnabledEvent, string>>;

export type StripeEventType = keyof typeof STRIPE_EVENTS;

/** In the order in which they occur for one object. */
export const STRIPE_EVENT_TYPES = Object.keys(STRIPE_EVENTS) as StripeEventType[];

type ActionOn<
  ObjectName extends string,
  Type = StripeEventType,
> = Type extends `${ObjectName}.${infer Action}` ? Action : never;

/**
 * The last part of an event type: `closed` for `charge.dispute.closed`.
 * @returns null if the event is about another kind of object, or not one of `STRIPE_EVENTS`
 */
export function actionOn<
  ObjectName extends "customer.subscription" | "charge.dispute" | "payment_intent" | "invoice" | "refund",
>(objectName: ObjectName, type: string): ActionOn<ObjectName> | null {
  const isListed = Object.hasOwn(STRIPE_EVENTS, type) && type.startsWith(`${objectName}.`);
  return isListed ? (type.slice(objectName.length + 1) as ActionOn<ObjectName>) : null;
}
