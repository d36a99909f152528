import type { EventCore } from "#core/billing/events/event_core.ts";
import { hasEnded } from "#core/billing/subscriptions/stripe_state.ts";
import { cancelNow, retrieveSubscription } from "#core/billing/subscriptions/stripe_subscription.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";
import { listAll, stripeRefusal } from "#core/services/stripe.ts";

/**
 * Remembers a subscription's cards, and looks whether a trial came with one that somebody else used before: then it is
 * noted, and by the policy `end` cancelled, without a charge (contract 1.3). Written before it is looked up, and whoever
 * looks handles all it finds, so that of two at once the later is never missed.
 * @returns whether this subscription was ended
 * @throws NestError stripe_error, unavailable
 */
export async function guardCards(core: EventCore, record: Subscription): Promise<boolean> {
  if (core.billing.trialCardPolicy === "allow") return false;
  const cards = await readCards(core, record.stpCustomerId);
  if (cards.length === 0) return false;
  await core.subscriptions.rememberCards(record.stpSubscriptionId, cards);
  const suspects = laterTrials(await core.subscriptions.listByCards(cards));
  for (const suspect of suspects) await handle(core, suspect);
  const isSuspect = suspects.some(({ _id }) => _id === record._id);
  return isSuspect && core.billing.trialCardPolicy === "end";
}

/** Trials that somebody else's subscription came before. */
function laterTrials(sharing: readonly Subscription[]): Subscription[] {
  const isBefore = (one: Subscription, other: Subscription) =>
    one.stpCreatedAt === other.stpCreatedAt
      ? one.stpSubscriptionId < other.stpSubscriptionId
      : one.stpCreatedAt < other.stpCreatedAt;
  return sharing.filter(
    (trial) =>
      trial.status === "trialing" &&
      trial.rejectedAt === null &&
      sharing.some((other) => other.userId !== trial.userId && isBefore(other, trial)),
  );
}

async function handle(core: EventCore, trial: Subscription): Promise<void> {
  if (trial.cardSeenBeforeAt !== null) return;
  const { trialCardPolicy: policy } = core.billing;
  const { stpSubscriptionId } = trial;
  // Cancelled first: whoever finds the note must be able to rely on it.
  if (policy === "end") {
    // Our record may be late: one that is paid for by now is no trial any more.
    const current = await retrieveSubscription(core, stpSubscriptionId);
    if (current && current.status !== "trialing" && !hasEnded(current.status)) return;
    await cancelNow(core, stpSubscriptionId);
  }
  const now = core.clock.now().toISOString();
  if (await core.subscriptions.recordCardSeenBefore(stpSubscriptionId, now))
    core.log.warn("trial_card_seen_before", { subscription_id: stpSubscriptionId, policy });
}

/** The fingerprints of a customer's cards: the same for one card, whoever uses it. */
async function readCards(core: EventCore, customer: string): Promise<string[]> {
  const methods = await core.stripe
    .request((stripe, options) =>
      listAll(stripe.paymentMethods.list({ customer, type: "card", limit: 20 }, options), 20),
    )
    .catch(unlessMissing);
  return (methods ?? []).flatMap(({ card }) => card?.fingerprint ?? []);
}

function unlessMissing(error: unknown): undefined {
  if (stripeRefusal(error)?.code !== "resource_missing") throw error;
}
