import type { EventCore } from "#core/billing/event_core.ts";
import type { Outcome } from "#core/billing/sync_subscription.ts";
import { listAll } from "#core/clients/stripe.ts";

/**
 * Records a dispute on the subscription whose payment it is about, and raises an alarm (contract 1.3). The dispute is
 * read again from Stripe, so the order of its events does not matter.
 */
export async function recordDispute(core: EventCore, disputeId: string, deadline: number): Promise<Outcome> {
  const dispute = await core.stripe.request({ deadline }, (stripe, options) =>
    stripe.disputes.retrieve(disputeId, {}, options),
  );
  const intent = dispute.payment_intent;
  const paymentIntent = typeof intent === "string" ? intent : intent?.id;
  const subscription = paymentIntent && (await findSubscription(core, paymentIntent, deadline));
  const disputedAt = new Date(dispute.created * 1000).toISOString();
  const isOurs =
    Boolean(subscription) &&
    (await core.subscriptions.recordDispute(subscription as string, dispute.status, disputedAt));
  if (!isOurs) return { status: "ignored", reason: "no_subscription" };
  core.log.error("stripe_dispute", {
    alarm: true,
    dispute_id: disputeId,
    dispute_status: dispute.status,
    subscription_id: subscription as string,
  });
  return { status: "done" };
}

/** The subscription whose invoice a payment paid, or null. */
async function findSubscription(
  core: EventCore,
  payment_intent: string,
  deadline: number,
): Promise<string | null> {
  const payments = await core.stripe.request({ deadline }, (stripe, options) =>
    listAll(
      stripe.invoicePayments.list(
        { payment: { type: "payment_intent", payment_intent }, expand: ["data.invoice"] },
        options,
      ),
    ),
  );
  for (const { invoice } of payments) {
    if (typeof invoice === "string" || invoice.deleted) continue;
    const subscription = invoice.parent?.subscription_details?.subscription;
    if (subscription) return typeof subscription === "string" ? subscription : subscription.id;
  }
  return null;
}
