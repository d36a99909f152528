import type { EventCore } from "#core/billing/events/event_core.ts";
import { hasEnded } from "#core/billing/subscriptions/stripe_state.ts";
import { cancelNow, retrieveSubscription } from "#core/billing/subscriptions/stripe_subscription.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";
import { listAll, stripeRefusal } from "#core/services/stripe.ts";

/**
 * Stores the cards of a subscription and applies the card policy to trials whose card another user used before: such
 * trials are marked, and with the policy `end` also canceled without a charge (contract 1.3). The cards are stored
 * before they are searched, and every trial that is found is handled, so that of two concurrent trials the later one is
 * never missed.
 * @returns `ended` if the policy ended this subscription
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function guardCards(core: EventCore, record: Subscription): Promise<"accepted" | "ended"> {
  if (core.billing.trialCardPolicy === "allow") return "accepted";
  const cards = await readCards(core, record.stpCustomerId);
  if (cards.length === 0) return "accepted";
  await core.subscriptions.rememberCards(record.stpSubscriptionId, cards);
  const suspects = laterTrials(await core.subscriptions.listByCards(cards));
  for (const suspect of suspects) await applyPolicy(core, suspect);
  const isSuspect = suspects.some(({ _id }) => _id === record._id);
  return isSuspect && core.billing.trialCardPolicy === "end" ? "ended" : "accepted";
}

/** Trials that are later than another user's subscription with the same card. */
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

async function applyPolicy(core: EventCore, trial: Subscription): Promise<void> {
  if (trial.cardSeenBeforeAt !== null) return;
  const { trialCardPolicy: policy } = core.billing;
  const { stpSubscriptionId } = trial;
  // The trial is canceled first: a marked trial must be canceled, even after a crash.
  if (policy === "end") {
    // Our record may be outdated: a subscription that was paid for meanwhile is no longer a trial.
    const current = await retrieveSubscription(core, stpSubscriptionId);
    if (current && current.status !== "trialing" && !hasEnded(current.status)) return;
    await cancelNow(core, stpSubscriptionId);
  }
  const now = core.clock.now().toISOString();
  if (await core.subscriptions.recordCardSeenBefore(stpSubscriptionId, now))
    core.log.warn("trial_card_seen_before", { subscription_id: stpSubscriptionId, policy });
}

/** Stripe's fingerprints of a customer's cards. A card has the same fingerprint for every customer. */
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
