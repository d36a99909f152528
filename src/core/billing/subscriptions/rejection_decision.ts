import type Stripe from "stripe";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { becameOursAt } from "#core/billing/subscriptions/ours_since.ts";
import { type Contender, isOlder, rankOf } from "#core/billing/subscriptions/rank.ts";
import { hasEnded, iso, ourItems } from "#core/billing/subscriptions/stripe_state.ts";
import type { Rejection, Subscription } from "#core/repositories/subscriptions.ts";
import type { PendingRejection, RejectionDecision } from "#core/repositories/users.ts";

/** The fields of a record on which the kind of a rejection depends. */
type OurTime = Pick<Subscription, "oursSince" | "stpCreatedAt">;

/** The state from which the reason of a rejection follows. */
export interface LossState {
  /** The loser at Stripe, and our record of it. */
  current: Stripe.Subscription;
  record: OurTime;
  /** The kept subscription; null if it has ended since. The loser then returns its unused time only. */
  winner: Stripe.Subscription | null;
  keptRecord: OurTime | null;
  /** What was decided. Empty if an earlier release decided. */
  decided: PendingRejection;
  productIds: readonly string[];
}

/**
 * Whether a loser is a duplicate: it was created after the winner (contract 1.7). A loser that was used before the winner
 * was changed to one of our products is no duplicate, since its owner had only one of our subscriptions then.
 */
export function kindOfLoss(
  loser: Pick<Contender, "id" | "created">,
  state: { winner: Pick<Contender, "id" | "created"> | null; record: OurTime; keptRecord: OurTime | null },
): Rejection["kind"] {
  const { winner, record, keptRecord } = state;
  if (!winner || !isOlder(winner, loser)) return "replaced";
  const wasUsedFirst = keptRecord !== null && becameOursAt(record) < becameOursAt(keptRecord);
  return wasUsedFirst ? "replaced" : "duplicate";
}

/**
 * Whether no mail is sent about a rejection: a trial that was never paid yields to a paid subscription, or a trial that
 * nobody claimed yields to any other.
 */
export function isSilentLoss(
  loser: Pick<Contender, "status" | "wasPaid" | "isUnclaimedTrial">,
  winner: Pick<Contender, "status"> | null,
): boolean {
  const isYielding = loser.isUnclaimedTrial || winner?.status !== "trialing";
  return loser.status === "trialing" && !loser.wasPaid && isYielding;
}

/**
 * Reads the facts of the decision that a subscription is rejected. They are stored with the choice, because the kept
 * subscription may have ended when the rejection is marked.
 * @throws NestError `unavailable`
 */
export async function readDecision(
  core: Pick<EventCore, "subscriptions" | "clock">,
  loser: Contender,
  winner: Contender,
): Promise<RejectionDecision> {
  const [record, keptRecord] = await Promise.all(
    [loser, winner].map(({ id }) => core.subscriptions.findByStripeId(id)),
  );
  const ours = record ?? { stpCreatedAt: iso(loser.created) };
  return {
    kind: kindOfLoss(loser, { winner, record: ours, keptRecord: keptRecord ?? null }),
    keptId: winner.id,
    isSameCustomer: winner.customer === loser.customer,
    status: loser.status,
    isSilent: isSilentLoss(loser, winner),
    decidedAt: core.clock.now().toISOString(),
  };
}

/**
 * Describes why a subscription is rejected (contract 1.7).
 * @param loser as it is now, in the status of the decision if it has ended since
 */
export function describeRejection(loser: Contender, state: LossState): Rejection {
  const { current, winner, keptRecord, decided, productIds } = state;
  const { kind = kindOfLoss(loser, state), keptId = winner?.id ?? null } = decided;
  const { start, end } = currentPeriod(current, productIds);
  const keptCustomer = winner && (typeof winner.customer === "string" ? winner.customer : winner.customer.id);
  const since = kind === "duplicate" ? keptRecord?.oursSince : undefined;
  return {
    ...{ kind, keptId },
    isSameCustomer: decided.isSameCustomer ?? keptCustomer === loser.customer,
    status: loser.status,
    wasRenewing: rankOf(loser) === "renewing",
    isOwnCustomer: loser.isOwnCustomer,
    prices: loser.prices,
    periodStartsAt: iso(start),
    periodEndsAt: iso(end),
    ...(since !== undefined && { returnsPaymentsSince: since }),
    ...(hasEnded(current.status) && decided.decidedAt !== undefined && { decidedAt: decided.decidedAt }),
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
