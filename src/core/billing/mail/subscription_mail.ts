import type { EventCore } from "#core/billing/events/event_core.ts";
import { MINUTE, plusSeconds } from "#core/clock.ts";
import { NestError } from "#core/errors.ts";
import { isSuppressed } from "#core/messages/mail_events.ts";
import type { Mail } from "#core/messages/mailer.ts";
import type { TemplateName } from "#core/messages/templates/index.ts";
import type { MailMark, Subscription, SubscriptionMail } from "#core/repositories/subscriptions.ts";
import { parseAddress } from "#core/users/address.ts";

/** A claim this old belongs to a process that died: longer than any of our functions may run. */
const CLAIM_SECONDS = 2 * MINUTE;

/** A day for people: English and UTC, as all of our mail is. */
export function dayInWords(iso: string): string {
  return new Intl.DateTimeFormat("en-GB", {
    weekday: "long",
    day: "numeric",
    month: "long",
    year: "numeric",
    timeZone: "UTC",
  }).format(new Date(iso));
}

/** Whether somebody is sending a mail: its claim stands. */
export function isUnderWay(core: Pick<EventCore, "clock">, { claimedAt, sentAt }: MailMark): boolean {
  return sentAt === null && claimedAt >= lapsed(core);
}

/** A claim from before this moment has died with its process. */
function lapsed({ clock }: Pick<EventCore, "clock">): string {
  return plusSeconds(clock.now(), -CLAIM_SECONDS).toISOString();
}

/**
 * Sends a mail of a subscription once: never lost, and a second copy only if SES's answer was lost, or the process died
 * between it and its record (contract 1.3).
 * @param mail.address as Stripe has it; null falls back on the user's own
 * @param mail.isClaimed whether the caller holds the claim already
 * @param mail.isSuppressed whether the address takes no mail, where the caller has looked
 * @throws NestError email_not_sent; unavailable while another call is sending it, so that somebody looks again
 */
export async function sendOnce<Name extends TemplateName>(
  core: EventCore,
  subscription: Subscription,
  which: SubscriptionMail,
  mail: Omit<Mail<Name>, "to"> & { address: string | null; isClaimed?: boolean; isSuppressed?: boolean },
): Promise<void> {
  if (subscription.mails?.[which]?.sentAt) return;
  const { stpSubscriptionId } = subscription;
  const to = await readRecipient(core, subscription, mail.address);
  if (to === null) {
    core.log.warn("mail_without_address", { mail: which, subscription_id: stpSubscriptionId });
    return;
  }
  const [isOurs, suppressed] = await Promise.all([
    mail.isClaimed === true || claim(core, stpSubscriptionId, which),
    mail.isSuppressed ?? isSuppressed(core, to.identity),
  ]);
  if (!isOurs) return awaitOther(core, stpSubscriptionId, which);
  if (suppressed) {
    core.log.warn("mail_suppressed", { mail: which, subscription_id: stpSubscriptionId });
  } else {
    try {
      await core.mailer.send({
        to: to.recipient,
        template: mail.template,
        variables: mail.variables,
      } as Mail<Name>);
    } catch (error) {
      await core.subscriptions.releaseMail(stpSubscriptionId, which);
      throw error;
    }
  }
  await core.subscriptions.recordMail(stpSubscriptionId, which, core.clock.now().toISOString());
}

function claim(core: EventCore, stpSubscriptionId: string, which: SubscriptionMail): Promise<boolean> {
  const now = core.clock.now().toISOString();
  return core.subscriptions.claimMail(stpSubscriptionId, which, now, lapsed(core));
}

/** Another call holds the claim, or the subscription was rejected meanwhile: unless it is sent, this event must come again. */
async function awaitOther(
  core: EventCore,
  stpSubscriptionId: string,
  which: SubscriptionMail,
): Promise<void> {
  const now = await core.subscriptions.findByStripeId(stpSubscriptionId);
  if (!now?.mails?.[which]?.sentAt)
    throw new NestError("unavailable", { detail: `${which} is being sent`, retryAfterSeconds: 30 });
}

async function readRecipient(core: EventCore, subscription: Subscription, address: string | null) {
  const known =
    address ??
    (await core.identifiers.listByUser(subscription.userId)).find(({ removedAt }) => removedAt === null)
      ?.identifierValue;
  try {
    return known === undefined ? null : parseAddress(known);
  } catch {
    return null;
  }
}
