import type Stripe from "stripe";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { finishRejection } from "#core/billing/subscriptions/rejection.ts";
import {
  excludes,
  hasEnded,
  isBetter,
  readProduct,
  readState,
} from "#core/billing/subscriptions/stripe_state.ts";
import { retrieveSubscription } from "#core/billing/subscriptions/stripe_subscription.ts";
import { isUsable } from "#core/billing/subscriptions/subscription.ts";
import { NestError } from "#core/errors.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";
import type { User } from "#core/repositories/users.ts";

/** Each round is lost only to a faster decision for the same person. */
const ROUNDS = 5;

/**
 * Decides which of a person's subscriptions is kept, and cancels and gives back the others: nobody pays twice
 * (contract 1.3). The same one is kept whatever the order of events. A decision is one update of the user's document and
 * is never turned round, so that a crash in the middle of it can't end in both being cancelled.
 * @param first what a first try to keep the candidate answered
 * @param records the user's, as read beside that try
 * @returns whether the candidate is the one that is kept
 * @throws NestError subscription_not_ready, stripe_error, email_not_sent, unavailable
 */
export async function settleOneSubscription(
  core: EventCore,
  userId: string,
  candidate: Stripe.Subscription,
  first: User | null,
  records: readonly Subscription[],
): Promise<boolean> {
  const isContended = first !== null && (await contendForgotten(core, userId, candidate.id, records));
  const isPaid = candidate.status === "active";
  const hasWaiting = isPaid && records.some((record) => isWaiting(record, candidate.id));
  let keeping = isContended ? null : first;
  for (let round = 0; round < ROUNDS; round++) {
    if (keeping) {
      await giveUpReplaced(core, keeping, candidate, hasWaiting);
      return true;
    }
    const user = await core.users.find(userId);
    const keptId = user?.keptSubscriptionId ?? null;
    if (keptId === candidate.id) {
      // Another event has kept it meanwhile.
      keeping = user;
      continue;
    }
    const rival = keptId === null ? null : await readRival(core, keptId);
    let hasLost = user?.rejectedSubscriptionIds?.includes(candidate.id) ?? false;
    if (!hasLost && rival && !isBetter(candidate, rival)) {
      if (!excludes(rival, candidate)) return false;
      hasLost = await core.users.rejectSubscription(userId, candidate.id, rival.id);
      if (!hasLost) continue;
    }
    if (hasLost) {
      await giveUp(core, userId, candidate.id, candidate, rival);
      return false;
    }
    const now = core.clock.now().toISOString();
    keeping =
      keptId === null
        ? await core.users.keepSubscription(userId, candidate.id, now)
        : await core.users.replaceSubscription(
            userId,
            candidate.id,
            keptId,
            rival !== null && excludes(candidate, rival),
          );
  }
  throw new NestError("unavailable", { detail: "the decision kept changing" });
}

/**
 * Lets those of the predecessor's that no event has told of since contend as well: nobody decided yet that they are kept,
 * so the candidate found the place free.
 * @returns whether there were any
 */
async function contendForgotten(
  core: EventCore,
  userId: string,
  candidateId: string,
  records: readonly Subscription[],
): Promise<boolean> {
  const forgotten = records.filter(
    ({ version, status, rejectedAt, stpSubscriptionId }) =>
      version === 0 && rejectedAt === null && !hasEnded(status) && stpSubscriptionId !== candidateId,
  );
  for (const { stpSubscriptionId } of forgotten) {
    const living = await readRival(core, stpSubscriptionId);
    if (living) await settleOneSubscription(core, userId, living, null, []);
  }
  return forgotten.length > 0;
}

/**
 * The kept subscription as Stripe has it now, or null if it has ended or is for another product now. Whoever loses to it
 * must be left with access, so what we know of it is brought up to date first, where that grants none.
 * @throws NestError subscription_not_ready while it is not stored
 */
async function readRival(core: EventCore, keptId: string): Promise<Stripe.Subscription | null> {
  const record = await core.subscriptions.findByStripeId(keptId);
  const rival = await retrieveSubscription(core, keptId);
  if (!rival || hasEnded(rival.status)) return null;
  const product = readProduct(rival, core.billing.productIds, record);
  if (!product || product.isOtherProduct) return null;
  if (!record) throw new NestError("subscription_not_ready", { detail: "the kept one is not stored yet" });
  const now = core.clock.now();
  if (!isUsable(record, now)) {
    await core.subscriptions.advance(keptId, record.version, readState(rival, product), now.toISOString());
  }
  return rival;
}

/**
 * Gives up whatever lost to the winner, and with it whatever waits for its first payment, if the winner is paid.
 * @param hasWaiting whether something is known to wait
 */
async function giveUpReplaced(
  core: EventCore,
  { _id: userId, replacedSubscriptionIds: losers = [] }: User,
  winner: Stripe.Subscription,
  hasWaiting: boolean,
): Promise<void> {
  if (losers.length === 0 && !hasWaiting) return;
  const waiting = winner.status === "active" ? await rejectWaiting(core, userId, winner.id) : [];
  for (const loserId of new Set([...losers, ...waiting])) {
    const loser = await retrieveSubscription(core, loserId);
    await giveUp(core, userId, loserId, loser, winner);
  }
}

function isWaiting({ status, rejectedAt, stpSubscriptionId }: Subscription, winnerId: string): boolean {
  return status === "incomplete" && rejectedAt === null && stpSubscriptionId !== winnerId;
}

/** Those that were let live beside the one that was kept until now. @returns Stripe's ids of those that lost */
async function rejectWaiting(core: EventCore, userId: string, winnerId: string): Promise<string[]> {
  const records = await core.subscriptions.listByUser(userId);
  const waiting = records.filter((record) => isWaiting(record, winnerId));
  const ids = waiting.map(({ stpSubscriptionId }) => stpSubscriptionId);
  const lost = await Promise.all(ids.map((id) => core.users.rejectSubscription(userId, id, winnerId)));
  return ids.filter((_id, index) => lost[index]);
}

/** Cancels and gives back one that lost to the winner, and notes that it is done. Safe to repeat. */
async function giveUp(
  core: EventCore,
  userId: string,
  loserId: string,
  loser: Stripe.Subscription | null,
  winner: Stripe.Subscription | null,
): Promise<void> {
  const known = loser && (await core.subscriptions.findByStripeId(loserId));
  // One that had ended by itself was paid for and used: nothing is given back.
  if (loser && known && (known.rejectedAt !== null || !hasEnded(loser.status))) {
    // Marked first, so that it grants nothing and every later event finishes what this one began.
    const isSilent = loser.status === "trialing" && winner?.status !== "trialing";
    const record = await core.subscriptions.reject(loserId, isSilent, core.clock.now().toISOString());
    if (record) return finishRejection(core, record);
  }
  await core.users.settleReplaced(userId, loserId);
}
