import type Stripe from "stripe";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { sendRejectionMail } from "#core/billing/mail/rejection_mail.ts";
import { returnMoney } from "#core/billing/payments/return_money.ts";
import { ourItems, readContender } from "#core/billing/subscriptions/contender.ts";
import { oursAt } from "#core/billing/subscriptions/ours_since.ts";
import { type Contender, excludes, isOlder, rankOf } from "#core/billing/subscriptions/rank.ts";
import { hasEnded } from "#core/billing/subscriptions/stripe_state.ts";
import { cancelNow, retrieveSubscription } from "#core/billing/subscriptions/stripe_subscription.ts";
import type { Rejection, Subscription } from "#core/repositories/subscriptions.ts";
import type { User } from "#core/repositories/users.ts";

/** A subscription that is rejected in favor of the kept subscription. */
interface Loser {
  /** Stripe's id. */
  id: string;
  /** The current subscription at Stripe; null if Stripe has no such subscription. */
  current: Stripe.Subscription | null;
}

/**
 * Rejects every subscription that the kept one replaced. If the kept subscription is paid for, it also rejects the
 * subscriptions that still wait for their first payment and would lose to it. Safe to repeat.
 * @param user as it was after the decision
 * @param winner the kept subscription
 * @throws NestError `stripe_error`, `email_not_sent`, `unavailable`
 */
export async function rejectReplaced(
  core: EventCore,
  { _id: userId, replacedSubscriptionIds = [] }: User,
  winner: Stripe.Subscription,
): Promise<void> {
  const waiting = winner.status === "active" ? await recordWaitingAsLosers(core, userId, winner) : [];
  for (const id of new Set([...replacedSubscriptionIds, ...waiting])) {
    const current = await retrieveSubscription(core, id);
    await rejectLoser(core, userId, { id, current }, winner);
  }
}

/**
 * Until now, subscriptions with an unpaid first invoice were left in addition to the kept subscription.
 * @returns Stripe's ids of the rejected subscriptions
 */
async function recordWaitingAsLosers(
  core: EventCore,
  userId: string,
  winner: Stripe.Subscription,
): Promise<string[]> {
  const records = await core.subscriptions.listByUser(userId);
  const waiting = records.filter(
    ({ status, rejectedAt, stpSubscriptionId }) =>
      status === "incomplete" && rejectedAt === null && stpSubscriptionId !== winner.id,
  );
  const losers: string[] = [];
  for (const { stpSubscriptionId: id } of waiting) {
    const current = await retrieveSubscription(core, id);
    if (current?.status !== "incomplete") continue;
    const [better, other] = await Promise.all([readContender(core, winner), readContender(core, current)]);
    if (excludes(better, other) && (await core.users.rejectSubscription(userId, id, winner.id)))
      losers.push(id);
  }
  return losers;
}

/**
 * Cancels one rejected subscription, returns its money, and records that this is done. Safe to repeat.
 * @param winner null if the kept subscription has ended since
 * @throws NestError `stripe_error`, `email_not_sent`, `unavailable`
 */
export async function rejectLoser(
  core: EventCore,
  userId: string,
  { id, current }: Loser,
  winner: Stripe.Subscription | null,
): Promise<void> {
  const record = current && (await core.subscriptions.findByStripeId(id));
  // A subscription that ended by itself was used: it is not refunded.
  const isRejected = current && record && (record.rejectedAt !== null || !hasEnded(current.status));
  if (!isRejected) return core.users.settleReplaced(userId, id);
  const isSilent = current.status === "trialing" && winner?.status !== "trialing";
  const { productIds } = core.billing;
  const keptRecord = winner && (await core.subscriptions.findByStripeId(winner.id));
  const state = { current, winner, record, keptRecord, productIds };
  const rejection = describeRejection(await readContender(core, current), state);
  // The subscription is marked first. From then on it grants nothing, every later event completes the rejection, and the
  // time of the mark decides how much of its period was unused.
  const rejected = await core.subscriptions.reject(id, rejection, isSilent, core.clock.now().toISOString());
  if (rejected) return finishRejection(core, rejected);
  await core.users.settleReplaced(userId, id);
}

/** The state from which the reason of a rejection follows. */
export interface LossState {
  /** The loser at Stripe, and our record of it. */
  current: Stripe.Subscription;
  record: Pick<Subscription, "oursSince" | "stpCreatedAt">;
  /** The kept subscription; null if it has ended since. The loser then returns its unused time only. */
  winner: Stripe.Subscription | null;
  keptRecord: Pick<Subscription, "oursSince" | "stpCreatedAt"> | null;
  productIds: readonly string[];
}

/**
 * Whether a loser is a duplicate: it was created after the winner (contract 1.7). A loser that was used before the winner
 * was changed to one of our products is no duplicate, since its owner had only one of our subscriptions then.
 */
export function kindOfLoss(loser: Contender, { winner, record, keptRecord }: LossState): Rejection["kind"] {
  if (!winner || !isOlder(winner, loser)) return "replaced";
  const wasUsedFirst = keptRecord !== null && oursAt(record) < oursAt(keptRecord);
  return wasUsedFirst ? "replaced" : "duplicate";
}

/** Describes why a subscription is rejected (contract 1.7). */
export function describeRejection(loser: Contender, state: LossState): Rejection {
  const { current, winner, keptRecord, productIds } = state;
  const kind = kindOfLoss(loser, state);
  const { start, end } = currentPeriod(current, productIds);
  const keptCustomer = winner && (typeof winner.customer === "string" ? winner.customer : winner.customer.id);
  return {
    kind,
    keptId: winner?.id ?? null,
    isSameCustomer: keptCustomer === loser.customer,
    status: loser.status,
    wasRenewing: rankOf(loser) === "renewing",
    isOwnCustomer: loser.isOwnCustomer,
    prices: loser.prices,
    periodStartsAt: new Date(start * 1000).toISOString(),
    periodEndsAt: new Date(end * 1000).toISOString(),
    ...(kind === "duplicate" && keptRecord?.oursSince ? { returnsPaymentsSince: keptRecord.oursSince } : {}),
  };
}

/** The current period of the item of our products that ends last, in Unix seconds; empty if there is none. */
function currentPeriod(current: Stripe.Subscription, productIds: readonly string[]) {
  const [last] = ourItems(current, productIds).toSorted(
    (one, other) => other.current_period_end - one.current_period_end,
  );
  if (!last) return { start: current.created, end: current.created };
  return { start: last.current_period_start, end: last.current_period_end };
}

/**
 * Cancels a rejected subscription at once, returns its money, and mails its owner. Safe to repeat.
 * @throws NestError `stripe_error`, `email_not_sent`, `unavailable`
 */
export async function finishRejection(core: EventCore, rejected: Subscription): Promise<void> {
  const { stpSubscriptionId, userId, isRejectedSilently } = rejected;
  if (rejected.refundedAt === null) {
    await cancelNow(core, stpSubscriptionId);
    const returns = await returnMoney(core, rejected);
    if (!isRejectedSilently) await sendRejectionMail(core, rejected, returns);
    await core.subscriptions.recordRefund(stpSubscriptionId, core.clock.now().toISOString());
    core.log.warn("duplicate_subscription", {
      subscription_id: stpSubscriptionId,
      user_id: userId,
      kind: rejected.rejection?.kind,
      silent: isRejectedSilently,
    });
  }
  await core.users.settleReplaced(userId, stpSubscriptionId);
}
