import type Stripe from "stripe";
import type { EventCore } from "#core/billing/event_core.ts";
import { finishRejection, settleOneSubscription } from "#core/billing/one_subscription.ts";
import { storeNewSubscription } from "#core/billing/store_subscription.ts";
import { hasEnded, isKnownStatus, ourProduct, readState } from "#core/billing/stripe_state.ts";
import { customerAddress, retrieveSubscription } from "#core/billing/stripe_subscription.ts";
import { dayInWords, sendOnce } from "#core/billing/subscription_mail.ts";
import { DAY, plusSeconds } from "#core/clock.ts";
import { NestError } from "#core/errors.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";

/** Each round is lost only to another event of the same subscription. */
const ROUNDS = 5;
const WELCOMED = ["active", "trialing"];
/** Stripe posts an event again for three days; somebody whom a walk finds later than that is not new any more. */
const NEW_SECONDS = 3 * DAY;

/** What became of an event: nothing to do has a reason. */
export type Outcome = { status: "done" } | { status: "ignored"; reason: string };
const DONE: Outcome = { status: "done" };

/** What happened, or `reconciled`: the operator's walk over all subscriptions found it (runbooks/stripe.md). */
export type SubscriptionEvent = "created" | "updated" | "deleted" | "trial_will_end" | "reconciled";

/**
 * Brings what we know of a subscription to where Stripe has it now, with everything that follows from it. Safe to
 * repeat, in any order and beside others: Stripe is read after our record, and the record is written only if nobody
 * wrote it since.
 * @param known the record as read when the event arrived
 * @throws NestError subscription_not_valid, subscription_not_ready, customer_email_missing, stripe_error,
 *   email_not_sent, unavailable
 */
export async function syncSubscription(
  core: EventCore,
  event: SubscriptionEvent,
  id: string,
  known: Subscription | null,
  deadline: number,
): Promise<Outcome> {
  let record = known;
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
      ? await advance(core, event, record, current, state, deadline)
      : await store(core, event, current, state, deadline);
    if (outcome) return outcome;
  }
  throw new NestError("unavailable", { detail: "the subscription kept changing" });
}

type State = ReturnType<typeof readState>;

/** @returns null if another event was faster */
async function advance(
  core: EventCore,
  event: SubscriptionEvent,
  record: Subscription,
  current: Stripe.Subscription,
  state: State,
  deadline: number,
): Promise<Outcome | null> {
  const now = core.clock.now().toISOString();
  const isEnded = hasEnded(current.status);
  const contends = !isEnded && record.rejectedAt === null;
  const [written, keeping] = await Promise.all([
    core.subscriptions.advance(current.id, record.version, state, now),
    contends ? core.users.keepSubscription(record.userId, current.id) : null,
    isEnded ? core.users.releaseSubscription(record.userId, current.id) : null,
  ]);
  if (!written) return null;
  if (written.rejectedAt !== null) {
    await finishRejection(core, written, deadline);
    return DONE;
  }
  if (isEnded) return DONE;
  const isKept = await settleOneSubscription(core, record.userId, current, keeping, deadline);
  if (isKept) await mailAbout(core, event, written, current, deadline);
  return DONE;
}

/** A subscription that we have no record of. @returns null if another event was faster */
async function store(
  core: EventCore,
  event: SubscriptionEvent,
  current: Stripe.Subscription,
  state: State,
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
  const isLate = isTooLateToWelcome(core, event, current);
  const isWelcome = WELCOMED.includes(current.status) && !isLate;
  const now = core.clock.now().toISOString();
  const mark = { claimedAt: now, sentAt: isLate ? now : null };
  const stored = await storeNewSubscription(core, current, state, isWelcome || isLate ? mark : null);
  if (!stored) return null;
  const { record, keeping } = stored;
  const isKept = await settleOneSubscription(core, record.userId, current, keeping, deadline);
  if (isKept && isWelcome) await welcome(core, record, current, deadline, true);
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

/** Only a walk finds old ones: an event is one that Stripe still posts, or that an operator replays on purpose. */
function isTooLateToWelcome(
  core: EventCore,
  event: SubscriptionEvent,
  current: Stripe.Subscription,
): boolean {
  const newest = plusSeconds(core.clock.now(), -NEW_SECONDS);
  return event === "reconciled" && current.created * 1000 < newest.getTime();
}

async function mailAbout(
  core: EventCore,
  event: SubscriptionEvent,
  record: Subscription,
  current: Stripe.Subscription,
  deadline: number,
): Promise<void> {
  // Records from before our time have no `mails`: their owners were welcomed long ago.
  const awaitsWelcome = record.mails !== undefined && record.mails.welcome?.sentAt == null;
  const isLate = isTooLateToWelcome(core, event, current);
  if (awaitsWelcome && WELCOMED.includes(current.status) && !isLate)
    await welcome(core, record, current, deadline, false);
  if (event !== "trial_will_end" || current.status !== "trialing") return;
  const variables = { endsOn: dayInWords(record.endsAt) };
  const mail = { template: "trial-will-end", variables, address: customerAddress(current) } as const;
  await sendOnce(core, record, "trialWillEnd", mail, deadline);
}

async function welcome(
  core: EventCore,
  record: Subscription,
  current: Stripe.Subscription,
  deadline: number,
  isClaimed: boolean,
): Promise<void> {
  const address = customerAddress(current);
  const mail =
    current.status === "trialing"
      ? ({ template: "welcome-trial", variables: { endsOn: dayInWords(record.endsAt) } } as const)
      : ({ template: "welcome", variables: {} } as const);
  await sendOnce(core, record, "welcome", { ...mail, address, isClaimed }, deadline);
}
