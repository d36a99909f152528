import type Stripe from "stripe";
import { guardCards } from "#core/billing/card_guard.ts";
import type { EventCore } from "#core/billing/event_core.ts";
import { settleOneSubscription } from "#core/billing/one_subscription.ts";
import { finishRejection } from "#core/billing/rejection.ts";
import { mapCustomer, storeNewSubscription } from "#core/billing/store_subscription.ts";
import { hasEnded, isKnownStatus, ourProduct, readState } from "#core/billing/stripe_state.ts";
import {
  customerAddress,
  isChargedAtTrialEnd,
  retrieveSubscription,
} from "#core/billing/stripe_subscription.ts";
import { dayInWords, sendOnce } from "#core/billing/subscription_mail.ts";
import { firstMark, sendWelcome, welcomeFor, welcomeUnlessDone } from "#core/billing/welcome.ts";
import { NestError } from "#core/errors.ts";
import type { ProviderMapping } from "#core/repositories/provider_mappings.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";

/** Each round is lost only to another event of the same subscription. */
const ROUNDS = 5;

/** What became of an event: nothing to do has a reason. */
export type Outcome = { status: "done" } | { status: "ignored"; reason: string };
const DONE: Outcome = { status: "done" };

/** What happened, or `reconciled`: the operator's walk over all subscriptions found it (runbooks/stripe.md). */
export type SubscriptionEvent = "created" | "updated" | "deleted" | "trial_will_end" | "reconciled";

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
  deadline: number,
): Promise<Outcome> {
  let { record } = known;
  for (let round = 0; round < ROUNDS; round++) {
    if (round > 0) record = await core.subscriptions.findByStripeId(id);
    const current = await retrieveSubscription(core, id, deadline);
    if (!current) return { status: "ignored", reason: "no_such_subscription" };
    const product = ourProduct(current, core.billing.productIds);
    if (product === null && !record) return { status: "ignored", reason: "other_product" };
    if (!isKnownStatus(current.status)) {
      core.log.error("unknown_subscription_status", { subscription_id: id, status: current.status });
      if (!record) throw new NestError("subscription_not_valid", { meta: { status: current.status } });
    }
    const state = readState(current, product ?? record?.stpProductId ?? "");
    const outcome = record
      ? await advance(core, event, { ...known, record }, current, state, deadline)
      : await store(core, event, current, state, known.mapping, deadline);
    if (outcome) return outcome;
  }
  throw new NestError("unavailable", { detail: "the subscription kept changing" });
}

type State = ReturnType<typeof readState>;

/** @returns null if another event was faster */
async function advance(
  core: EventCore,
  event: SubscriptionEvent,
  { record, mapping }: KnownSubscription & { record: Subscription },
  current: Stripe.Subscription,
  state: State,
  deadline: number,
): Promise<Outcome | null> {
  const now = core.clock.now().toISOString();
  const isEnded = hasEnded(current.status);
  const contends = !isEnded && record.rejectedAt === null;
  const [written, keeping] = await Promise.all([
    core.subscriptions.advance(current.id, record.version, state, now),
    contends ? core.users.keepSubscription(record.userId, current.id, now) : null,
    isEnded ? core.users.releaseSubscription(record.userId, current.id) : null,
    // Whoever stored the subscription may have died before it mapped the customer.
    mapping === null ? mapCustomer(core, record.userId, state.stpCustomerId, now) : null,
  ]);
  if (!written) return null;
  if (written.rejectedAt !== null) {
    await finishRejection(core, written, deadline);
    return DONE;
  }
  if (isEnded) return DONE;
  const isKept = await settleOneSubscription(core, record.userId, current, keeping, deadline);
  if (!isKept || (await guardCards(core, written, deadline))) return DONE;
  await mailAbout(core, event, written, current, deadline);
  return DONE;
}

/** A subscription that we have no record of. @returns null if another event was faster */
async function store(
  core: EventCore,
  event: SubscriptionEvent,
  current: Stripe.Subscription,
  state: State,
  looked: ProviderMapping | null | undefined,
  deadline: number,
): Promise<Outcome | null> {
  if (hasEnded(current.status)) return { status: "ignored", reason: "ended" };
  if (event === "deleted") return { status: "ignored", reason: "unknown_subscription" };
  if (event !== "created" && event !== "reconciled") throw new NestError("subscription_not_ready");
  if (!passesGate(core, current)) {
    await core.stripe.request({ deadline }, (stripe, options) =>
      stripe.subscriptions.cancel(current.id, { invoice_now: true }, options),
    );
    return { status: "ignored", reason: "promotion_code_missing" };
  }
  const mapping =
    looked === undefined ? await core.providerMappings.findByCustomer(state.stpCustomerId) : looked;
  const welcome = welcomeFor(core, current, event === "reconciled");
  const stored = await storeNewSubscription(core, current, state, mapping, firstMark(core, welcome));
  if (!stored) return null;
  const { record, keeping, isSuppressed } = stored;
  const isKept = await settleOneSubscription(core, record.userId, current, keeping, deadline);
  if (isKept && (await guardCards(core, record, deadline))) return DONE;
  if (welcome !== "due") return DONE;
  if (keeping) {
    await sendWelcome(core, record, current, deadline, { isClaimed: true, isSuppressed });
    return DONE;
  }
  // There was a rival: who lost must not look as if it were sending its welcome, who won may have been welcomed by it.
  await core.subscriptions.releaseMail(current.id, "welcome");
  if (isKept) await welcomeUnlessDone(core, record, current, deadline);
  return DONE;
}

/** Outside production a subscription that is no trial needs the promotion code that testers have (contract E5). */
function passesGate({ stage, billing }: EventCore, current: Stripe.Subscription): boolean {
  const required = billing.requiredPromotionCodeId;
  if (stage === "prod" || required === null || current.status === "trialing") return true;
  return current.discounts.some((discount) => {
    const code = typeof discount === "string" ? null : discount.promotion_code;
    return (typeof code === "string" ? code : code?.id) === required;
  });
}

async function mailAbout(
  core: EventCore,
  event: SubscriptionEvent,
  record: Subscription,
  current: Stripe.Subscription,
  deadline: number,
): Promise<void> {
  const isOwed = record.mails.welcome?.sentAt == null;
  if (isOwed && welcomeFor(core, current, event === "reconciled") === "due")
    await welcomeUnlessDone(core, record, current, deadline);
  if (event !== "trial_will_end" || current.status !== "trialing") return;
  const variables = { endsOn: dayInWords(record.endsAt), isCharged: isChargedAtTrialEnd(current) };
  const mail = { template: "trial-will-end", variables, address: customerAddress(current) } as const;
  await sendOnce(core, record, "trialWillEnd", mail, deadline);
}
