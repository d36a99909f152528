import type Stripe from "stripe";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { DONE, type Outcome } from "#core/billing/events/outcome.ts";
import { subscriptionPaidBy } from "#core/billing/payments/find_payment.ts";
import { returnDisputedPayment } from "#core/billing/payments/refund.ts";
import { isCreationOverdue } from "#core/billing/subscriptions/admit_subscription.ts";
import { hasEnded, ourProduct } from "#core/billing/subscriptions/stripe_state.ts";
import { retrieveSubscription } from "#core/billing/subscriptions/stripe_subscription.ts";
import { isHarmlessDispute } from "#core/billing/subscriptions/subscription.ts";
import { NestError } from "#core/errors.ts";
import type { Dispute, Subscription } from "#core/repositories/subscriptions.ts";
import { stripeRefusal } from "#core/services/stripe.ts";

/** A round fails only if another event wrote the same subscription in the meantime. */
const ROUNDS = 5;
const NO_SUBSCRIPTION: Outcome = { status: "ignored", reason: "no_subscription" };
/** Whether a status is final. An older reading does not reopen a closed dispute. */
const isClosed = (status: string) => status === "lost" || isHarmlessDispute(status);

/**
 * Records a dispute on the subscription whose payment it is about, and raises an alarm (contract 1.3). The dispute is
 * read again from Stripe, so the order of its events does not matter.
 * @throws NestError `subscription_not_ready` while the subscription is not stored; `stripe_error`, `unavailable`
 */
export async function recordDispute(core: EventCore, disputeId: string): Promise<Outcome> {
  const read = await retrieveDispute(core, disputeId);
  if (!read) return { status: "missing", reason: "no_such_dispute" };
  const intent = read.payment_intent;
  if (intent === null) return NO_SUBSCRIPTION;
  const paidBy = typeof intent === "string" ? intent : intent.id;
  const stpSubscriptionId = await subscriptionPaidBy(core, paidBy);
  if (stpSubscriptionId === null) return NO_SUBSCRIPTION;
  const dispute = {
    id: read.id,
    status: read.status,
    createdAt: new Date(read.created * 1000).toISOString(),
  };
  for (let round = 0; round < ROUNDS; round++) {
    const record = await core.subscriptions.findByStripeId(stpSubscriptionId);
    if (!record) return raiseAlarmWithoutRecord(core, dispute, stpSubscriptionId);
    const now = core.clock.now().toISOString();
    const state = withDispute(record.disputes, dispute);
    if (!(await core.subscriptions.advance(record, state, now, []))) continue;
    raiseAlarm(core, dispute, stpSubscriptionId);
    // The bank held the payment when the subscription was rejected. Now it can be refunded.
    if (record.rejectedAt !== null && isHarmlessDispute(dispute.status))
      await returnDisputedPayment(core, { ...record, disputes: state.disputes }, paidBy);
    return DONE;
  }
  throw new NestError("unavailable", { detail: "the subscription kept changing" });
}

async function retrieveDispute(core: EventCore, id: string): Promise<Stripe.Dispute | null> {
  try {
    return await core.stripe.request((stripe, options) => stripe.disputes.retrieve(id, {}, options));
  } catch (error) {
    if (stripeRefusal(error)?.code === "resource_missing") return null;
    throw error;
  }
}

/** Raises an alarm: an operator must respond to the bank before the deadline. */
function raiseAlarm({ log }: EventCore, dispute: Pick<Dispute, "id" | "status">, id: string): void {
  const { id: dispute_id, status: dispute_status } = dispute;
  log.error("stripe_dispute", { alarm: true, dispute_id, dispute_status, subscription_id: id });
}

/**
 * Raises the alarm of a dispute whose subscription is not stored, if the subscription is for one of our products.
 * @returns `failed` if the subscription may be stored later, so that an operator can replay the event then
 * @throws NestError `subscription_not_ready` if it should be stored soon, so that Stripe retries the event
 */
async function raiseAlarmWithoutRecord(core: EventCore, dispute: Dispute, id: string): Promise<Outcome> {
  const current = await retrieveSubscription(core, id);
  if (!current) return { status: "missing", reason: "no_such_subscription" };
  if (ourProduct(current, core.billing.productIds) === null) return NO_SUBSCRIPTION;
  const isOver = hasEnded(current.status);
  if (!isOver && !isCreationOverdue(core, current)) throw new NestError("subscription_not_ready");
  raiseAlarm(core, dispute, id);
  return isOver ? NO_SUBSCRIPTION : { status: "failed", reason: "no_subscription" };
}

/** The dispute fields of a subscription, with one dispute added or updated. */
function withDispute(
  known: readonly Dispute[],
  dispute: Dispute,
): Pick<Subscription, "disputes" | "disputedAt" | "disputeStatus"> {
  const before = known.find(({ id }) => id === dispute.id);
  const newest = before && isClosed(before.status) ? before : dispute;
  const disputes = [...known.filter((other) => other !== before), newest].sort((one, other) =>
    one.createdAt.localeCompare(other.createdAt),
  );
  const doubtful = disputes.findLast(({ status }) => !isHarmlessDispute(status));
  return {
    disputes,
    disputedAt: disputes[0]?.createdAt ?? null,
    disputeStatus: (doubtful ?? disputes.at(-1))?.status ?? null,
  };
}
