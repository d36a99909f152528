import type Stripe from "stripe";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { type KeptRecord, rejectionFacts } from "#core/billing/mail/facts.ts";
import { sendOnce } from "#core/billing/mail/subscription_mail.ts";
import { rejectionOf } from "#core/billing/payments/return_money.ts";
import { readPaidUntil } from "#core/billing/subscriptions/paid_period.ts";
import { customerAddress, retrieveSubscription } from "#core/billing/subscriptions/stripe_subscription.ts";
import { unusedDaysOf } from "#core/billing/trials/used.ts";
import { isRejectionMailDue } from "#core/messages/templates/money_facts.ts";
import type { MoneyReturn, Subscription, SubscriptionMail } from "#core/repositories/subscriptions.ts";

/**
 * Mails the owner of a rejected subscription, once: what was canceled, what stays, and what was returned (contract 1.7).
 * No mail is sent if nothing changed for the owner and nothing was paid.
 * @param returns what was returned
 * @param which the mark under which the mail is sent once, for a payment that was returned later; absent for the rejection
 * @throws NestError `stripe_error`, `email_not_sent`; `unavailable` while another call sends the mail
 */
export async function sendRejectionMail(
  core: EventCore,
  rejected: Subscription,
  returns: readonly MoneyReturn[],
  which?: SubscriptionMail,
): Promise<void> {
  const rejection = rejectionOf(rejected);
  const user = await core.users.find(rejected.userId);
  const keptId = user?.keptSubscriptionId ?? rejection.keptId;
  const [canceled, kept] = await Promise.all([
    retrieveSubscription(core, rejected.stpSubscriptionId),
    keptId === null ? null : retrieveSubscription(core, keptId),
  ]);
  if (!canceled) return;
  const { productIds } = core.billing;
  const keptRecord = await readKeptRecord(core, kept);
  const variables = rejectionFacts({ rejection, canceled, kept, keptRecord, returns, productIds });
  if (!isRejectionMailDue(variables)) return;
  const template = variables.kind === "duplicate" ? "duplicate-subscription" : "replaced-subscription";
  const address = customerAddress(canceled);
  await sendOnce(core, rejected, which ?? variables.kind, { template, variables, address });
}

async function readKeptRecord(core: EventCore, kept: Stripe.Subscription | null): Promise<KeptRecord> {
  if (!kept) return { paidUntil: null, unusedDays: null };
  const record = kept.status === "trialing" ? await core.subscriptions.findByStripeId(kept.id) : null;
  const trial = record && (await core.trials.findOf(record));
  return {
    paidUntil: await readPaidUntil(core, kept),
    unusedDays: unusedDaysOf(trial, core.billing.trialDays),
  };
}
