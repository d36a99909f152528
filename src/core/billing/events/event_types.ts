import type Stripe from "stripe";

/** The events that our endpoint asks Stripe for, and what each does. Any other is recorded as ignored (contract 1.3). */
export const STRIPE_EVENTS = {
  "customer.subscription.created":
    "Stores the subscription, with its user where they are new, keeps one per person and mails the welcome.",
  "customer.subscription.updated":
    "Brings the subscription to where Stripe has it now; a welcome that is still owed goes out.",
  "customer.subscription.deleted": "The same: the subscription has ended.",
  "customer.subscription.trial_will_end": "The same, and mails the reminder once.",
  "charge.dispute.created": "Records the dispute on the subscription that it is about, and alarms.",
  "charge.dispute.closed": "Records how the dispute ended, and alarms.",
  "payment_intent.created": "Recorded and counted.",
  "payment_intent.processing": "Recorded and counted.",
  "payment_intent.succeeded": "Recorded and counted; gives back what was paid for a rejected subscription.",
  "payment_intent.payment_failed": "Recorded and counted, as a warning.",
  "payment_intent.canceled": "Recorded and counted.",
} as const satisfies Partial<Record<Stripe.WebhookEndpointCreateParams.EnabledEvent, string>>;

export type StripeEventType = keyof typeof STRIPE_EVENTS;

/** In the order in which they happen to one object. */
export const STRIPE_EVENT_TYPES = Object.keys(STRIPE_EVENTS) as StripeEventType[];

type ActionOn<
  ObjectName extends string,
  Type = StripeEventType,
> = Type extends `${ObjectName}.${infer Action}` ? Action : never;

/**
 * The last part of an event type: `closed` for `charge.dispute.closed`.
 * @returns null if the event is about another kind of object, or not one of `STRIPE_EVENTS`
 */
export function actionOn<ObjectName extends "customer.subscription" | "charge.dispute" | "payment_intent">(
  objectName: ObjectName,
  type: string,
): ActionOn<ObjectName> | null {
  const isListed = Object.hasOwn(STRIPE_EVENTS, type) && type.startsWith(`${objectName}.`);
  return isListed ? (type.slice(objectName.length + 1) as ActionOn<ObjectName>) : null;
}
