import type Stripe from "stripe";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { dayInWords, isUnderWay, sendOnce } from "#core/billing/mail/subscription_mail.ts";
import { customerAddress } from "#core/billing/subscriptions/stripe_subscription.ts";
import { DAY, plusSeconds } from "#core/clock.ts";
import { NestError } from "#core/errors.ts";
import type { MailMark, Subscription } from "#core/repositories/subscriptions.ts";

const WELCOMED = ["active", "trialing"];
/** Stripe posts an event again for three days; somebody whom a walk finds later than that is not new any more. */
const NEW_SECONDS = 3 * DAY;

/** Whether the owner of a subscription is to be welcomed, as far as Stripe's object tells. */
export type Welcome = "due" | "not yet" | "too late";

/** @param isFound whether the operator's walk found it: only that finds old ones */
export function welcomeFor(core: EventCore, current: Stripe.Subscription, isFound: boolean): Welcome {
  const newest = plusSeconds(core.clock.now(), -NEW_SECONDS);
  if (isFound && current.created * 1000 < newest.getTime()) return "too late";
  return WELCOMED.includes(current.status) ? "due" : "not yet";
}

/** The mark that a new record begins with: whoever stores it also sends the welcome that is due. */
export function firstMark(core: EventCore, welcome: Welcome): MailMark | null {
  const now = core.clock.now().toISOString();
  if (welcome === "not yet") return null;
  return { claimedAt: now, sentAt: welcome === "too late" ? now : null };
}

/**
 * Welcomes the owner of a subscription, once.
 * @param known what the caller knows already: that it holds the claim, and whether the address takes no mail
 * @throws NestError email_not_sent; unavailable while another call is sending it
 */
export async function sendWelcome(
  core: EventCore,
  record: Subscription,
  current: Stripe.Subscription,
  known: { isClaimed?: boolean; isSuppressed?: boolean } = {},
): Promise<void> {
  const address = customerAddress(current);
  const mail =
    current.status === "trialing"
      ? ({ template: "welcome-trial", variables: { endsOn: dayInWords(record.endsAt) } } as const)
      : ({ template: "welcome", variables: {} } as const);
  await sendOnce(core, record, "welcome", { ...mail, address, ...known });
}

/**
 * Welcomes the owner unless a subscription that lost to this one had its welcome already, as happens when two are bought
 * at once and the later one is heard of first.
 * @throws NestError email_not_sent; unavailable while another call is sending either welcome
 */
export async function welcomeUnlessDone(
  core: EventCore,
  record: Subscription,
  current: Stripe.Subscription,
): Promise<void> {
  const losers = await core.subscriptions.listRejectedSince(record.userId, record.stpCreatedAt);
  const marks = losers.flatMap(({ mails }) => mails.welcome ?? []);
  if (marks.some(({ sentAt }) => sentAt !== null)) {
    await core.subscriptions.recordMail(current.id, "welcome", core.clock.now().toISOString());
  } else if (marks.some((mark) => isUnderWay(core, mark))) {
    throw new NestError("unavailable", { detail: "a welcome is being sent", retryAfterSeconds: 30 });
  } else {
    await sendWelcome(core, record, current);
  }
}
