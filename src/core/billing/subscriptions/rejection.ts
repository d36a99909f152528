import type { EventCore } from "#core/billing/events/event_core.ts";
import { sendOnce } from "#core/billing/mail/subscription_mail.ts";
import { refundPayments } from "#core/billing/payments/refund.ts";
import { cancelNow } from "#core/billing/subscriptions/stripe_subscription.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";

/** Cancels a rejected subscription at once, gives every payment back, and tells its owner. Safe to repeat. */
export async function finishRejection(
  core: EventCore,
  rejected: Subscription,
  deadline: number,
): Promise<void> {
  if (rejected.refundedAt === null) await giveBack(core, rejected, deadline);
  await core.users.settleReplaced(rejected.userId, rejected.stpSubscriptionId);
}

async function giveBack(core: EventCore, rejected: Subscription, deadline: number): Promise<void> {
  const { stpSubscriptionId } = rejected;
  await cancelNow(core, stpSubscriptionId, deadline);
  await refundPayments(core, stpSubscriptionId, deadline);
  if (!rejected.isRejectedSilently) {
    const address = await readCustomerAddress(core, rejected.stpCustomerId, deadline);
    const mail = { template: "duplicate-subscription", variables: {}, address } as const;
    await sendOnce(core, rejected, "duplicate", mail, deadline);
  }
  await core.subscriptions.recordRefund(stpSubscriptionId, core.clock.now().toISOString());
  core.log.warn("duplicate_subscription", {
    subscription_id: stpSubscriptionId,
    user_id: rejected.userId,
    silent: rejected.isRejectedSilently,
  });
}

async function readCustomerAddress(
  core: EventCore,
  customer: string,
  deadline: number,
): Promise<string | null> {
  const found = await core.stripe.request({ deadline }, (stripe, options) =>
    stripe.customers.retrieve(customer, {}, options),
  );
  return found.deleted ? null : found.email;
}
