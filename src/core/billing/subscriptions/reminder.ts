import type { EventCore } from "#core/billing/events/event_core.ts";
import { sendOnce } from "#core/billing/mail/subscription_mail.ts";
import type { StripeReading } from "#core/billing/subscriptions/stripe_reading.ts";
import { customerAddress, isChargedAtTrialEnd } from "#core/billing/subscriptions/stripe_subscription.ts";
import { isUsed } from "#core/billing/trials/used.ts";
import { DAY, plusSeconds } from "#core/clock.ts";
import type { Subscription, SubscriptionMail } from "#core/repositories/subscriptions.ts";

/** The welcome names the day on which a trial ends, so no reminder follows it within this time. */
const AFTER_WELCOME_SECONDS = DAY;
/**
 * Stripe announces the end of a trial three days before. An announcement that arrives earlier is about an end that was moved
 * since, and Stripe announces the new end later.
 */
const ANNOUNCED_SECONDS = 4 * DAY;

/** The mark of the reminder of a day, such as `trialWillEnd-2026-12-12`. Each end date is announced once. */
export function reminderOf(endsAt: string): SubscriptionMail {
  return `trialWillEnd-${endsAt.slice(0, 10)}`;
}

/**
 * Whether the end of a trial must be announced (contract 1.7).
 * @param subscription as it is after a welcome mail that was due
 * @param announcedAt Stripe's time of its announcement
 */
export function isReminderDue(
  { mails, endsAt }: Pick<Subscription, "mails" | "endsAt">,
  announcedAt: Date,
): boolean {
  if (new Date(endsAt) > plusSeconds(announcedAt, ANNOUNCED_SECONDS)) return false;
  const { welcome, trialWillEnd: undated } = mails;
  const isJustWelcomed =
    welcome?.sentAt && !welcome.isOmitted && isAfter(welcome.sentAt, announcedAt, AFTER_WELCOME_SECONDS);
  // Earlier releases marked a reminder without its day.
  const wasAnnounced = undated?.sentAt && isAfter(undated.sentAt, new Date(endsAt), ANNOUNCED_SECONDS);
  return !isJustWelcomed && !wasAnnounced;
}

/** Whether a time is less than `seconds` before another. */
function isAfter(time: string, before: Date, seconds: number): boolean {
  return new Date(time) > plusSeconds(before, -seconds);
}

/**
 * Sends the reminder that a trial ends, when Stripe announces its end. Safe to repeat.
 * @throws NestError `email_not_sent`, `unavailable`
 */
export async function sendReminderIfDue(
  core: EventCore,
  record: Subscription,
  { event, occurredAt, current }: StripeReading,
): Promise<void> {
  if (event !== "trial_will_end" || current.status !== "trialing") return;
  // The owner of the address did not ask for a trial that granted nobody access (contract 1.7).
  const trial = await core.trials.findOf(record);
  if (trial && !isUsed(trial) && trial.grantedAt == null) return;
  // The welcome may have been sent a moment ago.
  const { mails } = (await core.subscriptions.findByStripeId(current.id)) ?? record;
  if (!isReminderDue({ mails, endsAt: record.endsAt }, occurredAt)) return;
  const variables = { endsAt: record.endsAt, isCharged: isChargedAtTrialEnd(current) };
  const mail = { template: "trial-will-end", variables, address: customerAddress(current) } as const;
  await sendOnce(core, { ...record, mails }, reminderOf(record.endsAt), mail);
}
