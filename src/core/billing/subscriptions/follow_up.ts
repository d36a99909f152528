import type { EventCore } from "#core/billing/events/event_core.ts";
import { DONE, type Outcome } from "#core/billing/events/outcome.ts";
import { sendWelcomeIfDue } from "#core/billing/mail/welcome.ts";
import { guardCards } from "#core/billing/payments/card_guard.ts";
import { endTrialOfDeleted } from "#core/billing/subscriptions/end_of_deleted.ts";
import { settleOneSubscription } from "#core/billing/subscriptions/one_subscription.ts";
import { sendReminderIfDue } from "#core/billing/subscriptions/reminder.ts";
import type { StripeReading } from "#core/billing/subscriptions/stripe_reading.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";

/**
 * Does everything that follows from a stored subscription that has not ended: cancels the trial of a deleted user, keeps one
 * subscription per user, checks the cards of trials, and sends the mails that are due. Safe to repeat.
 * @throws NestError `subscription_not_ready`, `stripe_error`, `email_not_sent`, `unavailable`
 */
export async function followUp(
  core: EventCore,
  record: Subscription,
  reading: StripeReading,
): Promise<Outcome> {
  if (await endTrialOfDeleted(core, record)) return DONE;
  const standing = await settleOneSubscription(core, record.userId, reading.current);
  if (standing !== "kept" || (await guardCards(core, record)) === "ended") return DONE;
  await sendWelcomeIfDue(core, record, reading);
  await sendReminderIfDue(core, record, reading);
  return DONE;
}
