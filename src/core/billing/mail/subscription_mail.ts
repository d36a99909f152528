import type { EventCore } from "#core/billing/events/event_core.ts";
import { readLocale } from "#core/billing/mail/locale.ts";
import { MINUTE, plusSeconds } from "#core/clock.ts";
import { NestError } from "#core/errors.ts";
import { isSuppressed } from "#core/messages/mail_events.ts";
import type { Mail } from "#core/messages/mailer.ts";
import type { TemplateName } from "#core/messages/templates/index.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { MailMark, Subscription, SubscriptionMail } from "#core/repositories/subscriptions.ts";
import { type Address, parseAddress } from "#core/users/address.ts";
import { emailOf } from "#core/users/email_of.ts";

/** An older claim belongs to a process that died: no function runs this long. */
const CLAIM_SECONDS = 2 * MINUTE;

/** Whether a call has claimed a mail and may still be sending it. */
export function isBeingSent(core: Pick<EventCore, "clock">, { claimedAt, sentAt }: MailMark): boolean {
  return sentAt === null && claimedAt >= oldestValidClaim(core);
}

function oldestValidClaim({ clock }: Pick<EventCore, "clock">): string {
  return plusSeconds(clock.now(), -CLAIM_SECONDS).toISOString();
}

/** A mail about a subscription. */
type MailAbout<Name extends TemplateName> = Pick<Mail<Name>, "template" | "variables"> & {
  /** The customer's email address at Stripe; null: the user's own address. */
  address: string | null;
};

/**
 * Sends a mail about a subscription once. It is never lost. A second copy is possible only if SES's response was lost, or
 * the process died between sending the mail and recording it (contract 1.3).
 * @throws NestError `email_not_sent`; `unavailable` while another call sends the mail, so that the event is retried
 */
export async function sendOnce<Name extends TemplateName>(
  core: EventCore,
  subscription: Subscription,
  which: SubscriptionMail,
  mail: MailAbout<Name>,
): Promise<void> {
  if (subscription.mails[which]?.sentAt) return;
  const { stpSubscriptionId } = subscription;
  const noted = { mail: which, subscription_id: stpSubscriptionId };
  const to = await readRecipient(core, subscription, mail.address);
  if (to === null) return core.log.warn("mail_without_address", noted);
  const now = core.clock.now().toISOString();
  const isClaimed = await core.subscriptions.claimMail(stpSubscriptionId, which, now, oldestValidClaim(core));
  if (!isClaimed) return requireSent(core, stpSubscriptionId, which);
  if (await isSuppressed(core, to)) {
    core.log.warn("mail_suppressed", noted);
  } else {
    await send(core, subscription.userId, to, mail).catch(async (error: unknown) => {
      await core.subscriptions.releaseMail(stpSubscriptionId, which);
      throw error;
    });
  }
  await core.subscriptions.recordMail(stpSubscriptionId, which, core.clock.now().toISOString());
}

async function send<Name extends TemplateName>(
  core: EventCore,
  userId: string,
  to: Address,
  { template, variables }: MailAbout<Name>,
): Promise<void> {
  const locale = await readLocale(core, userId, to);
  await core.mailer.send({ to: to.recipient, locale, template, variables });
}

/**
 * Another call holds the claim, or the subscription was rejected meanwhile.
 * @throws NestError `unavailable` unless the mail was sent
 */
async function requireSent(
  core: EventCore,
  stpSubscriptionId: string,
  which: SubscriptionMail,
): Promise<void> {
  const now = await core.subscriptions.findByStripeId(stpSubscriptionId);
  if (!now?.mails[which]?.sentAt)
    throw new NestError("unavailable", { detail: `${which} is being sent`, retryAfterSeconds: 30 });
}

/**
 * The customer's address at Stripe. If there is none, or mail can't be sent to it, the user's own address.
 * @returns null if there is no usable address
 */
async function readRecipient(core: EventCore, subscription: Subscription, address: string | null) {
  return readAddress(address) ?? readAddress(await readOwnAddress(core, subscription.userId));
}

function readAddress(address: string | null) {
  try {
    return address === null ? null : parseAddress(address);
  } catch {
    return null;
  }
}

async function readOwnAddress(core: EventCore, userId: string): Promise<string | null> {
  const identifiers = await core.identifiers.listByUser(userId);
  const isMailed = ({ removedAt, identifierType }: Identifier) =>
    removedAt === null && identifierType === "email";
  return emailOf(identifiers) ?? identifiers.find(isMailed)?.identifierValue ?? null;
}
