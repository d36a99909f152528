import type Stripe from "stripe";
import type { EventCore } from "#core/billing/event_core.ts";
import { refundPayments } from "#core/billing/refund.ts";
import { hasEnded, isBetter } from "#core/billing/stripe_state.ts";
import { retrieveSubscription } from "#core/billing/stripe_subscription.ts";
import { sendOnce } from "#core/billing/subscription_mail.ts";
import { stripeRefusal } from "#core/clients/stripe.ts";
import { NestError } from "#core/errors.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";
import type { User } from "#core/repositories/users.ts";

/** Each round is lost only to a faster decision for the same person. */
const ROUNDS = 5;

/**
 * Decides which of a person's subscriptions is kept, and cancels and gives back the others: nobody pays twice
 * (contract 1.3). The same one is kept whatever the order of events.
 * @param first what a first try to keep the candidate answered
 * @returns whether the candidate is the one that is kept
 */
export async function settleOneSubscription(
  core: EventCore,
  userId: string,
  candidate: Stripe.Subscription,
  first: User | null,
  deadline: number,
): Promise<boolean> {
  let keeping = first;
  for (let round = 0; round < ROUNDS; round++) {
    if (keeping) {
      for (const replaced of keeping.replacedSubscriptionIds ?? []) {
        await giveUp(core, userId, replaced, candidate, deadline);
      }
      return true;
    }
    const user = await core.users.find(userId);
    const rivalId = user?.keptSubscriptionId ?? null;
    const rival = rivalId === null ? null : await retrieveSubscription(core, rivalId, deadline);
    if (rivalId !== null && rival && !hasEnded(rival.status) && !isBetter(candidate, rival)) {
      await rejectAndGiveBack(core, candidate, rival, deadline);
      return false;
    }
    const now = core.clock.now().toISOString();
    keeping = await core.users.keepSubscription(userId, candidate.id, now, rivalId ?? undefined);
  }
  throw new NestError("unavailable", { detail: "the decision kept changing" });
}

/** Cancels one that lost to the winner, and notes that it is done. */
async function giveUp(
  core: EventCore,
  userId: string,
  loserId: string,
  winner: Stripe.Subscription,
  deadline: number,
): Promise<void> {
  const loser = await retrieveSubscription(core, loserId, deadline);
  const known = loser && (await core.subscriptions.findByStripeId(loserId));
  // One that had ended by itself was paid for and used: nothing is given back.
  if (loser && known && (known.rejectedAt !== null || !hasEnded(loser.status))) {
    await rejectAndGiveBack(core, loser, winner, deadline);
  }
  await core.users.settleReplaced(userId, loserId);
}

/** Marks the loser first, so that it grants nothing and every later event finishes what this one began. */
async function rejectAndGiveBack(
  core: EventCore,
  loser: Stripe.Subscription,
  winner: Stripe.Subscription,
  deadline: number,
): Promise<void> {
  const isSilent = loser.status === "trialing" && winner.status !== "trialing";
  const record = await core.subscriptions.reject(loser.id, isSilent, core.clock.now().toISOString());
  if (record) await finishRejection(core, record, deadline);
}

/** Cancels a rejected subscription at once, gives every payment back, and tells its owner. Safe to repeat. */
export async function finishRejection(
  core: EventCore,
  rejected: Subscription,
  deadline: number,
): Promise<void> {
  if (rejected.refundedAt !== null) return;
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

async function cancelNow(core: EventCore, stpSubscriptionId: string, deadline: number): Promise<void> {
  try {
    await core.stripe.request({ deadline }, (stripe, options) =>
      stripe.subscriptions.cancel(stpSubscriptionId, { prorate: false, invoice_now: false }, options),
    );
  } catch (error) {
    // Cancelled before.
    if (stripeRefusal(error)?.code !== "resource_missing") throw error;
  }
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
