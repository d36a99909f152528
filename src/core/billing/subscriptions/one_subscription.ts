import type Stripe from "stripe";
import type { EventCore } from "#core/billing/events/event_core.ts";
import {
  type Contest,
  chooseSubscription,
  isUndecided,
} from "#core/billing/subscriptions/choose_subscription.ts";
import { readFullState } from "#core/billing/subscriptions/paid_period.ts";
import { rejectLoser, rejectReplaced } from "#core/billing/subscriptions/rejection.ts";
import { hasEnded, readProduct } from "#core/billing/subscriptions/stripe_state.ts";
import { retrieveSubscription } from "#core/billing/subscriptions/stripe_subscription.ts";
import { isUsable } from "#core/billing/subscriptions/subscription.ts";
import { NestError } from "#core/errors.ts";
import type { User } from "#core/repositories/users.ts";

/** A round fails only if another event decided for the same user in the meantime. */
const ROUNDS = 5;

/**
 * `kept`: it is the user's subscription. `rejected`: it was canceled and refunded. `left`: it is neither kept
 * nor canceled, because it waits for its first payment or has an unknown status.
 */
export type Standing = "kept" | "rejected" | "left";

interface OpenContest extends Contest {
  rival: Stripe.Subscription | null;
}

/**
 * Decides which of a user's subscriptions is kept, then cancels and refunds the others, so that nobody pays twice
 * (contract 1.3). The result does not depend on the order of events. Each decision is one conditional update of the
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
  await settleUndecided(core, userId, candidate.id);
  return settle(core, userId, candidate);
}

/** Decides about every other subscription that has not ended at Stripe. Most users have none, which one query shows. */
async function settleUndecided(core: EventCore, userId: string, candidateId: string): Promise<void> {
  const records = await core.subscriptions.listByUser(userId);
  const others = records.filter((record) => record.stpSubscriptionId !== candidateId && isUndecided(record));
  if (others.length === 0) return;
  const user = await core.users.find(userId);
  for (const { stpSubscriptionId } of others) {
    if (stpSubscriptionId === user?.keptSubscriptionId) continue;
    const current = await readContender(core, stpSubscriptionId);
    if (current) await settle(core, userId, current);
  }
}

async function settle(core: EventCore, userId: string, candidate: Stripe.Subscription): Promise<Standing> {
  for (let round = 0; round < ROUNDS; round++) {
    const user = (await core.users.find(userId)) ?? newUser(core, userId);
    const contest = await readContest(core, user, candidate.id);
    const standing = await applyChoice(core, user, contest, candidate);
    if (standing) return standing;
  }
  throw new NestError("unavailable", { detail: "the decision kept changing" });
}

/** A new user has no document until a subscription is kept. */
function newUser({ clock }: EventCore, userId: string): User {
  return { _id: userId, createdAt: clock.now().toISOString() };
}

async function readContest(core: EventCore, user: User, candidateId: string): Promise<OpenContest> {
  const keptId = user.keptSubscriptionId ?? null;
  const hasRival = keptId !== null && keptId !== candidateId;
  return {
    keptId,
    rejectedIds: user.rejectedSubscriptionIds ?? [],
    rival: hasRival ? await readContender(core, keptId) : null,
  };
}

/**
 * Reads another subscription of the user from Stripe. The user may lose the candidate to it and must be left with access,
 * so its record is updated if it grants none.
 * @returns null if it has ended or is for another product now
 * @throws NestError `subscription_not_ready` while it is not stored
 */
async function readContender(core: EventCore, id: string): Promise<Stripe.Subscription | null> {
  const record = await core.subscriptions.findByStripeId(id);
  const current = await retrieveSubscription(core, id);
  if (!current || hasEnded(current.status)) return null;
  const product = readProduct(current, core.billing.productIds, record);
  if (!product || product.isOtherProduct) return null;
  if (!record)
    throw new NestError("subscription_not_ready", { detail: "the kept subscription is not stored yet" });
  const now = core.clock.now();
  if (!isUsable(record, now))
    await core.subscriptions.advance(
      id,
      record.version,
      await readFullState(core, current, product),
      now.toISOString(),
    );
  return current;
}

/**
 * Writes the choice with one conditional update, then rejects the subscriptions that lost.
 * @returns null if another event changed the facts of the choice
 */
async function applyChoice(
  core: EventCore,
  user: User,
  contest: OpenContest,
  candidate: Stripe.Subscription,
): Promise<Standing | null> {
  const { keptId, rejectedIds, rival } = contest;
  const choice = chooseSubscription(candidate, contest);
  if (choice.action === "leave") return "left";
  if (choice.action === "reject") {
    const hasLost =
      rejectedIds.includes(candidate.id) ||
      (rival !== null && (await core.users.rejectSubscription(user._id, candidate.id, rival.id)));
    if (!hasLost) return null;
    await rejectLoser(core, user._id, { id: candidate.id, current: candidate }, rival);
    return "rejected";
  }
  let keeper: User | null = user;
  if (choice.action === "replace") {
    const { replacedId, isRivalRejected } = choice;
    keeper = await core.users.replaceSubscription(user._id, candidate.id, replacedId, isRivalRejected);
  } else if (keptId !== candidate.id) {
    keeper = await core.users.keepSubscription(user._id, candidate.id, core.clock.now().toISOString());
  }
  if (!keeper) return null;
  await rejectReplaced(core, keeper, candidate);
  return "kept";
}
