import type Stripe from "stripe";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { sendRejectionMail } from "#core/billing/mail/rejection_mail.ts";
import { isWaiting, returnMoney, sendWaiting } from "#core/billing/payments/return_money.ts";
import { readContender } from "#core/billing/subscriptions/contender.ts";
import { excludes } from "#core/billing/subscriptions/rank.ts";
import { isAccepted, raiseAlarms } from "#core/billing/subscriptions/rejection_alarms.ts";
import {
  describeRejection,
  isSilentLoss,
  type LossState,
  readDecision,
} from "#core/billing/subscriptions/rejection_decision.ts";
import { hasEnded, iso, readProduct } from "#core/billing/subscriptions/stripe_state.ts";
import { cancelNow, retrieveSubscription } from "#core/billing/subscriptions/stripe_subscription.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";
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
    if (!excludes(better, other)) continue;
    const loss = await readDecision(core, other, better);
    if (await core.users.rejectSubscription(userId, id, winner.id, loss)) losers.push(id);
  }
  return losers;
}

/**
 * Cancels one rejected subscription, returns its money, and records that this is done. Safe to repeat. A subscription that
 * ended by itself after the decision returns its money too.
 * @param winner null if the kept subscription has ended since
 * @returns false if the decision was reversed meanwhile
 * @throws NestError `stripe_error`, `email_not_sent`, `unavailable`
 */
export async function rejectLoser(
  core: EventCore,
  userId: string,
  { id, current }: Loser,
  winner: Stripe.Subscription | null,
): Promise<boolean> {
  const record = current && (await core.subscriptions.findByStripeId(id));
  if (record && (await revokeOfOtherProduct(core, userId, { record, current, winner }))) return false;
  const rejected = record?.rejectedAt
    ? record
    : record && (await mark(core, userId, { record, current, winner }));
  if (rejected === undefined) return false;
  if (rejected) await finishRejection(core, rejected);
  else await core.users.settleReplaced(userId, id);
  return true;
}

/**
 * Reverses the rejection of a subscription that was changed to a product that is not ours, while the rejection has not
 * begun: the user has only one of our subscriptions now.
 */
async function revokeOfOtherProduct(
  core: EventCore,
  userId: string,
  { record, current, winner }: Pick<LossState, "current" | "winner"> & { record: Subscription },
): Promise<boolean> {
  const product = readProduct(current, core.billing.productIds, record);
  if (record.rejectedAt !== null || hasEnded(current.status) || !product?.isOtherProduct) return false;
  return core.users.revokeRejection(userId, current.id, winner?.id ?? null);
}

/**
 * Marks a subscription as rejected, before anything else. From then on it grants nothing, every later event completes the
 * rejection, and the time of the mark decides how much of its period was unused.
 * @returns undefined if the decision was reversed meanwhile
 */
async function mark(
  core: EventCore,
  userId: string,
  loss: Pick<LossState, "record" | "current" | "winner">,
): Promise<Subscription | null | undefined> {
  const { current, winner } = loss;
  const now = core.clock.now().toISOString();
  const decided = await core.users.applyRejection(userId, current.id, now);
  if (!decided) return undefined;
  const keptId = decided.keptId ?? winner?.id ?? null;
  const keptRecord = keptId === null ? null : await core.subscriptions.findByStripeId(keptId);
  const contender = await readContender(core, current);
  const hasEndedSince = hasEnded(current.status);
  const loser = hasEndedSince && decided.status ? { ...contender, status: decided.status } : contender;
  const state = { ...loss, keptRecord, decided, productIds: core.billing.productIds };
  // Its owner canceled it, so a mail is due only if money is returned.
  const isSilent = hasEndedSince || (decided.isSilent ?? isSilentLoss(contender, winner));
  const at = hasEndedSince && current.ended_at !== null ? iso(current.ended_at) : now;
  return core.subscriptions.reject(current.id, describeRejection(loser, state), isSilent, at);
}

/**
 * Rejects a subscription that ended after the decision that it is rejected: a process died in between (contract 1.7).
 * @returns whether there was such a decision
 * @throws NestError `stripe_error`, `email_not_sent`, `unavailable`
 */
export async function rejectEnded(
  core: EventCore,
  userId: string,
  current: Stripe.Subscription,
): Promise<boolean> {
  const user = await core.users.find(userId);
  if (!user?.rejectedSubscriptionIds?.includes(current.id)) return false;
  const keptId = user.keptSubscriptionId ?? null;
  const kept = keptId === null ? null : await retrieveSubscription(core, keptId);
  const winner = kept && !hasEnded(kept.status) ? kept : null;
  return rejectLoser(core, userId, { id: current.id, current }, winner);
}

/**
 * Reverses the rejection of a subscription whose kept subscription has ended, while the rejection has not begun. Otherwise
 * a crash after the decision could end with both subscriptions canceled.
 * @returns whether the user must be read again: the decision was reversed, or another event changed the user
 * @throws NestError `unavailable`
 */
export async function revokeUnappliedRejection(core: EventCore, user: User, id: string): Promise<boolean> {
  const { keptSubscriptionId = null, replacedSubscriptionIds = [], pendingRejections = {} } = user;
  const hasBegun = pendingRejections[id]?.appliedAt !== undefined;
  if (hasBegun || !replacedSubscriptionIds.includes(id)) return false;
  // An earlier release did not record the beginning.
  const record = await core.subscriptions.findByStripeId(id);
  if (record?.rejectedAt !== null) return false;
  await core.users.revokeRejection(user._id, id, keptSubscriptionId);
  return true;
}

/**
 * Cancels a rejected subscription at once, returns its money, and mails its owner. Safe to repeat.
 * @throws NestError `stripe_error`, `email_not_sent`, `unavailable`
 */
export async function finishRejection(core: EventCore, rejected: Subscription): Promise<void> {
  const { stpSubscriptionId, userId, isRejectedSilently, returns: planned = {} } = rejected;
  if (rejected.refundedAt === null) {
    await cancelNow(core, stpSubscriptionId);
    const returns = await returnMoney(core, rejected);
    if (!isRejectedSilently || returns.some(isAccepted)) await sendRejectionMail(core, rejected, returns);
    await raiseAlarms(core, rejected, returns);
    await core.subscriptions.recordRefund(stpSubscriptionId, core.clock.now().toISOString());
    core.log.warn("duplicate_subscription", {
      subscription_id: stpSubscriptionId,
      user_id: userId,
      kind: rejected.rejection?.kind,
      silent: isRejectedSilently,
    });
  } else if (Object.values(planned).some(isWaiting)) {
    // An earlier release could complete a rejection while a return of it waited.
    await sendWaiting(core, rejected, Object.values(planned));
  }
  await core.users.settleReplaced(userId, stpSubscriptionId);
}
