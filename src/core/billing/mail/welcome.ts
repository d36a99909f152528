import type Stripe from "stripe";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { trialFacts } from "#core/billing/mail/facts.ts";
import { isBeingSent, sendOnce } from "#core/billing/mail/subscription_mail.ts";
import type { StripeReading } from "#core/billing/subscriptions/stripe_reading.ts";
import { customerAddress, isChargedAtTrialEnd } from "#core/billing/subscriptions/stripe_subscription.ts";
import { unusedDaysOf } from "#core/billing/trials/used.ts";
import { DAY, plusSeconds } from "#core/clock.ts";
import { NestError } from "#core/errors.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";
import { stripeRefusal } from "#core/services/stripe.ts";

const WELCOMED_STATUSES = ["active", "trialing"];
/** Stripe retries an event for three days. The owner of a subscription that is found later is not a new customer. */
const NEW_SECONDS = 3 * DAY;

/** Whether a subscription was found so late that its owner must not be welcomed any more. */
export function isTooLateForWelcome({ clock }: EventCore, { event, current }: StripeReading): boolean {
  const newest = plusSeconds(clock.now(), -NEW_SECONDS);
  return event !== "created" && current.created * 1000 < newest.getTime();
}

/**
 * Sends the welcome of a kept subscription, once, as soon as it is active or trialing. If the welcome of a subscription
 * that lost to this one was sent already, no second welcome is sent. That happens when two subscriptions are bought at
 * once and the event of the later subscription arrives first.
 * @throws NestError `email_not_sent`; `unavailable` while another call sends either welcome
 */
export async function sendWelcomeIfDue(
  core: EventCore,
  record: Subscription,
  reading: StripeReading,
): Promise<void> {
  const { event, current } = reading;
  if (record.mails.welcome?.sentAt || !WELCOMED_STATUSES.includes(current.status)) return;
  if (event === "reconciled" && isTooLateForWelcome(core, reading)) return;
  const losers = await core.subscriptions.listRejectedSince(record.userId, record.stpCreatedAt);
  const marks = losers.flatMap(({ mails }) => mails.welcome ?? []);
  if (marks.some(({ sentAt }) => sentAt !== null)) {
    await core.subscriptions.recordMail(current.id, "welcome", core.clock.now().toISOString());
  } else if (marks.some((mark) => isBeingSent(core, mark))) {
    throw new NestError("unavailable", { detail: "a welcome is being sent", retryAfterSeconds: 30 });
  } else {
    await sendWelcome(core, record, current);
  }
}

async function sendWelcome(
  core: EventCore,
  record: Subscription,
  current: Stripe.Subscription,
): Promise<void> {
  const address = customerAddress(current);
  if (current.status === "trialing") {
    const upcoming = isChargedAtTrialEnd(current) ? await readUpcomingInvoice(core, current.id) : null;
    const trial = await core.trials.findOf(record);
    const unusedDays = unusedDaysOf(trial, core.billing.trialDays);
    const variables = trialFacts(current, record.endsAt, upcoming, unusedDays);
    await sendOnce(core, record, "welcome", { template: "welcome-trial", variables, address });
  } else {
    await sendOnce(core, record, "welcome", { template: "welcome", variables: {}, address });
  }
}

/**
 * The invoice that Stripe will make when a trial ends, with discounts and credit; null if Stripe refuses the preview.
 */
async function readUpcomingInvoice(core: EventCore, subscription: string): Promise<Stripe.Invoice | null> {
  try {
    return await core.stripe.request((stripe, options) =>
      stripe.invoices.createPreview({ subscription }, options),
    );
  } catch (error) {
    if (stripeRefusal(error)?.statusCode !== 400) throw error;
    return null;
  }
}
