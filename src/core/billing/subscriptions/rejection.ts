import type { EventCore } from "#core/billing/events/event_core.ts";
import { sendOnce } from "#core/billing/mail/subscription_mail.ts";
import { refundPayments } from "#core/billing/payments/refund.ts";
import { cancelNow } from "#core/billing/subscriptions/stripe_subscription.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";

/** Cancels a rejected subscription at once, gives every payment back, and tells its owner. Safe to repeat. */
export async function finishRejection(core: EventCore, rejected: Subscription): Promise<void> {
  if (rejected.refundedAt === null) await giveBack(core, rejected);
  await core.users.settleReplaced(rejected.userId, rejected.stpSubscriptionId);
}

async function giveBack(core: EventCore, rejected: Subscription): Promise<void> {
  const { stpSubscriptionId } = rejected;
  await cancelNow(core, stpSubscriptionId);
  await refundPayments(core, stpSubscriptionId);
  if (!rejected.isRejectedSilently) {
    const address = await readCustomerAddress(core, rejected.stpCustomerId);
    const mail = { template: "duplicate-subscription", variables: {}, address } as const;
    await sendOnce(core, rejected, "duplicate", mail);
  }
  await core.subscriptions.recordRefund(stpSubscriptionId, core.clock.now().toISOString());
  core.log.warn("duplicate_subscription", {
    subscription_id: stpSubscriptionId,
    user_id: rejected.userId,
    silent: rejected.isRejectedSilently,
  });
}

async function readCustomerAddress(core: EventCore, customer: string): Promise<string | null> {
  const found = await core.stripe.request((stripe, options) =>
    stripe.customers.retrieve(customer, {}, options),
  );
  return found.deleted ? null : found.email;
}
