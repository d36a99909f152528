import type Stripe from "stripe";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { advanceRecord } from "#core/billing/subscriptions/advance_record.ts";
import {
  type Choice,
  chooseSubscription,
  isUndecided,
} from "#core/billing/subscriptions/choose_subscription.ts";
import { contenderOf, listOthers, readContender } from "#core/billing/subscriptions/contender.ts";
import { readFullState } from "#core/billing/subscriptions/paid_period.ts";
import type { Contender } from "#core/billing/subscriptions/rank.ts";
import {
  rejectLoser,
  rejectReplaced,
  revokeUnappliedRejection,
} from "#core/billing/subscriptions/rejection.ts";
import { readDecision } from "#core/billing/subscriptions/rejection_decision.ts";
import { hasEnded, readProduct } from "#core/billing/subscriptions/stripe_state.ts";
import { retrieveSubscription } from "#core/billing/subscriptions/stripe_subscription.ts";
import { isUsable } from "#core/billing/subscriptions/subscription.ts";
import { NestError } from "#core/errors.ts";
import type { User } from "#core/repositories/users.ts";

/** A round fails only if another event decided for the same user in the meantime. */
const ROUNDS = 5;

/**
 * `kept`: it is the user's subscription. `rejected`: it was canceled. `left`: it is neither kept nor canceled, because it
 * waits for its first payment, has an unknown status, or loses to a subscription whose event has not arrived.
 */
export type Standing = "kept" | "rejected" | "left";

/** The decisions so far, and the kept subscription. */
interface Decisions {
  keptId: string | null;
  rejectedIds: readonly string[];
  /** The kept subscription at Stripe, unless it is the candidate, has ended or is for another product; then null. */
  rival: Stripe.Subscription | null;
}

/**
 * Decides which of a user's subscriptions is kept, then cancels the others and returns their money, so that
 * nobody pays twice (contract 1.7). The result does not depend on the order of events. Each decision is one conditional update of the
 * user's document and is never reversed: a crash at any moment cannot end with both subscriptions canceled.
 *
 * Other stored subscriptions about which nothing is decided yet are decided first. Otherwise such a subscription would
 * charge the user in addition to the kept one until Stripe sends an event about it.
 * @param candidate its current state at Stripe; it has not ended and is stored
 * @returns the outcome for the candidate
 * @throws NestError `subscription_not_ready`, `stripe_error`, `email_not_sent`, `unavailable`
 */
export async function settleOneSubscription(
  core: EventCore,
  userId: string,
  candidate: Stripe.Subscription,
): Promise<Standing> {
  const wereLeft = await settleUndecided(core, userId, candidate.id);
  const standing = await settle(core, userId, candidate);
  // They lost to the candidate while it was not kept yet.
  if (wereLeft && standing === "kept") await settleUndecided(core, userId, candidate.id);
  return standing;
}

/**
 * Decides about every other subscription that has not ended at Stripe. Most users have none, which one query shows.
 * @returns whether a subscription was left undecided
 */
async function settleUndecided(core: EventCore, userId: string, candidateId: string): Promise<boolean> {
  const records = await core.subscriptions.listByUser(userId);
  const others = records.filter((record) => record.stpSubscriptionId !== candidateId && isUndecided(record));
  if (others.length === 0) return false;
  let isLeft = false;
  const user = await core.users.find(userId);
  for (const { stpSubscriptionId } of others) {
    if (stpSubscriptionId === user?.keptSubscriptionId) continue;
    const current = await readLiving(core, stpSubscriptionId);
    if (current && (await settle(core, userId, current)) === "left") isLeft = true;
  }
  return isLeft;
}

async function settle(core: EventCore, userId: string, candidate: Stripe.Subscription): Promise<Standing> {
  for (let round = 0; round < ROUNDS; round++) {
    const user = (await core.users.find(userId)) ?? newUser(core, userId);
    const decisions = await readDecisions(core, user, candidate.id);
    if (!decisions.rival && (await revokeUnappliedRejection(core, user, candidate.id))) continue;
    const standing = await applyChoice(core, user, decisions, candidate);
    if (standing) return standing;
  }
  throw new NestError("unavailable", { detail: "the decision kept changing" });
}

/** A new user has no document until a subscription is kept. */
function newUser({ clock }: EventCore, userId: string): User {
  return { _id: userId, createdAt: clock.now().toISOString() };
}

async function readDecisions(core: EventCore, user: User, candidateId: string): Promise<Decisions> {
  const keptId = user.keptSubscriptionId ?? null;
  const hasRival = keptId !== null && keptId !== candidateId;
  return {
    keptId,
    rejectedIds: user.rejectedSubscriptionIds ?? [],
    rival: hasRival ? await readLiving(core, keptId) : null,
  };
}

/**
 * Reads another subscription of the user from Stripe. The user may lose the candidate to it and must be left with access,
 * so its record is updated if it grants none.
 * @returns null if it has ended or is for another product now
 * @throws NestError `subscription_not_ready` while it is not stored
 */
async function readLiving(core: EventCore, id: string): Promise<Stripe.Subscription | null> {
  const record = await core.subscriptions.findByStripeId(id);
  const current = await retrieveSubscription(core, id);
  if (!current || hasEnded(current.status)) return null;
  const product = readProduct(current, core.billing.productIds, record);
  if (!product || product.isOtherProduct) return null;
  if (!record)
    throw new NestError("subscription_not_ready", { detail: "the kept subscription is not stored yet" });
  const now = core.clock.now();
  if (!isUsable(record, now)) await advanceRecord(core, record, await readFullState(core, current, product));
  return current;
}

/** The facts of the candidate and of the kept subscription; null if no other subscription competes. */
type Pair = { candidate: Contender; rival: Contender } | null;

/** Chooses. The facts that need requests are read only if another subscription competes. */
async function choose(
  core: EventCore,
  userId: string,
  { keptId, rejectedIds, rival }: Decisions,
  candidate: Stripe.Subscription,
): Promise<{ choice: Choice; pair: Pair }> {
  if (!rival) {
    const alone = contenderOf(candidate, core.billing.productIds, { wasPaid: false, isOwnCustomer: false });
    const choice = chooseSubscription(alone, { keptId, rejectedIds, rival: null, others: [] });
    return { choice, pair: null };
  }
  const [one, other] = await Promise.all([readContender(core, candidate), readContender(core, rival)]);
  const others = await listOthers(core, userId, [one, other]);
  const choice = chooseSubscription(one, { keptId, rejectedIds, rival: other, others });
  return { choice, pair: { candidate: one, rival: other } };
}

/**
 * Writes the choice with one conditional update, then rejects the subscriptions that lost.
 * @returns null if another event changed the facts of the choice
 */
async function applyChoice(
  core: EventCore,
  user: User,
  decisions: Decisions,
  candidate: Stripe.Subscription,
): Promise<Standing | null> {
  const { keptId, rejectedIds, rival } = decisions;
  const { choice, pair } = await choose(core, user._id, decisions, candidate);
  if (choice.action === "leave") return "left";
  if (choice.action === "reject") {
    if (!rejectedIds.includes(candidate.id)) {
      const loss = pair && (await readDecision(core, pair.candidate, pair.rival));
      if (!loss || !(await core.users.rejectSubscription(user._id, candidate.id, pair.rival.id, loss)))
        return null;
    }
    const isApplied = await rejectLoser(core, user._id, { id: candidate.id, current: candidate }, rival);
    return isApplied ? "rejected" : null;
  }
  let keeper: User | null = user;
  if (choice.action === "replace") {
    const { replacedId, isRivalRejected } = choice;
    const loss = isRivalRejected && pair ? await readDecision(core, pair.rival, pair.candidate) : null;
    keeper = await core.users.replaceSubscription(user._id, candidate.id, replacedId, loss);
  } else if (keptId !== candidate.id) {
    keeper = await core.users.keepSubscription(user._id, candidate.id, core.clock.now().toISOString());
  }
  if (!keeper) return null;
  await rejectReplaced(core, keeper, candidate);
  return "kept";
}
