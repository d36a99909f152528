import type Stripe from "stripe";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { DONE, type Outcome, type SubscriptionEvent } from "#core/billing/events/outcome.ts";
import { dayInWords, sendOnce } from "#core/billing/mail/subscription_mail.ts";
import { welcomeFor, welcomeUnlessDone } from "#core/billing/mail/welcome.ts";
import { guardCards } from "#core/billing/payments/card_guard.ts";
import { admitSubscription } from "#core/billing/subscriptions/admit_subscription.ts";
import { settleOneSubscription } from "#core/billing/subscriptions/one_subscription.ts";
import { finishRejection } from "#core/billing/subscriptions/rejection.ts";
import { mapCustomer } from "#core/billing/subscriptions/store_subscription.ts";
import { hasEnded, isKnownStatus, readProduct, readState } from "#core/billing/subscriptions/stripe_state.ts";
import {
  customerAddress,
  isChargedAtTrialEnd,
  retrieveSubscription,
} from "#core/billing/subscriptions/stripe_subscription.ts";
import { NestError } from "#core/errors.ts";
import type { ProviderMapping } from "#core/repositories/provider_mappings.ts";
import type { Subscription, SubscriptionState } from "#core/repositories/subscriptions.ts";

/** Each round is lost only to another event of the same subscription. */
const ROUNDS = 5;

/** What was read when an event arrived. */
export interface KnownSubscription {
  record: Subscription | null;
  /** Of the customer that the event names, where somebody has looked. */
  mapping?: ProviderMapping | null | undefined;
}

/**
 * Brings what we know of a subscription to where Stripe has it now, with everything that follows from it. Safe to
 * repeat, in any order and beside others: Stripe is read after our record, and the record is written only if nobody
 * wrote it since.
 * @throws NestError subscription_not_valid, subscription_not_ready, customer_email_missing, stripe_error,
 *   email_not_sent, unavailable
 */
export async function syncSubscription(
  core: EventCore,
  event: SubscriptionEvent,
  id: string,
  known: KnownSubscription,
): Promise<Outcome> {
  let { record } = known;
  for (let round = 0; round < ROUNDS; round++) {
    if (round > 0) record = await core.subscriptions.findByStripeId(id);
    const current = await retrieveSubscription(core, id);
    if (!current) return { status: "ignored", reason: "no_such_subscription" };
    const product = readProduct(current, core.billing.productIds, record);
    if (product === null) return { status: "ignored", reason: "other_product" };
    if (!isKnownStatus(current.status)) {
      core.log.error("unknown_subscription_status", { subscription_id: id, status: current.status });
      if (!record) throw new NestError("subscription_not_valid", { meta: { status: current.status } });
    }
    const state = readState(current, product);
    const outcome = record
      ? await advance(core, event, { ...known, record }, current, state)
      : await admitSubscription(core, event, current, state, known.mapping);
    // One that was taken in by the reminder's event is owed the reminder too: the next round finds its record.
    const isReminded = record !== null || event !== "trial_will_end" || outcome?.status === "ignored";
    if (outcome && isReminded) return outcome;
  }
  throw new NestError("unavailable", { detail: "the subscription kept changing" });
}

/** @returns null if another event was faster */
async function advance(
  core: EventCore,
  event: SubscriptionEvent,
  { record, mapping }: KnownSubscription & { record: Subscription },
  current: Stripe.Subscription,
  state: SubscriptionState,
): Promise<Outcome | null> {
  const now = core.clock.now().toISOString();
  if (mapping && mapping.userId !== record.userId) return handOver(core, record, mapping);
  const isOver = hasEnded(current.status) || state.isOtherProduct;
  const contends = !isOver && record.rejectedAt === null;
  const [written, keeping, records] = await Promise.all([
    core.subscriptions.advance(current.id, record.version, state, now),
    contends ? core.users.keepSubscription(record.userId, current.id, now) : null,
    contends ? core.subscriptions.listByUser(record.userId) : [],
    isOver ? core.users.releaseSubscription(record.userId, current.id) : null,
    // Whoever stored the subscription may have died before it mapped the customer.
    mapping === null ? mapCustomer(core, record.userId, state.stpCustomerId, now) : null,
  ]);
  if (!written) return null;
  if (written.rejectedAt !== null) {
    await finishRejection(core, written);
    return DONE;
  }
  if (isOver) return DONE;
  const isKept = await settleOneSubscription(core, record.userId, current, keeping, records);
  if (!isKept || (await guardCards(core, written))) return DONE;
  await mailAbout(core, event, written, current);
  return DONE;
}

/**
 * The mapping decides whose a customer is (contract 1.3): a subscription that was stored for another user, because the
 * customer was mapped in that very moment, is handed over.
 * @returns null, since it must be read again
 */
async function handOver(core: EventCore, record: Subscription, { userId }: ProviderMapping): Promise<null> {
  await core.users.releaseSubscription(record.userId, record.stpSubscriptionId);
  await core.subscriptions.assign(record.stpSubscriptionId, record.userId, userId);
  return null;
}

async function mailAbout(
  core: EventCore,
  event: SubscriptionEvent,
  record: Subscription,
  current: Stripe.Subscription,
): Promise<void> {
  const isOwed = record.mails.welcome?.sentAt == null;
  if (isOwed && welcomeFor(core, current, event === "reconciled") === "due")
    await welcomeUnlessDone(core, record, current);
  if (event !== "trial_will_end" || current.status !== "trialing") return;
  const variables = { endsOn: dayInWords(record.endsAt), isCharged: isChargedAtTrialEnd(current) };
  const mail = { template: "trial-will-end", variables, address: customerAddress(current) } as const;
  await sendOnce(core, record, "trialWillEnd", mail);
}
