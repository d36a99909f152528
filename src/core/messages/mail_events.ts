import { DAY, plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { mailEventId } from "#core/ids.ts";
import type { MailEvent } from "#core/repositories/mail_events.ts";
import { purgeAfter } from "#core/retention.ts";
import { parseAddress } from "#core/users/address.ts";

/** An address that bounced hard is not mailed for this long (contract 1.5). */
export const SUPPRESSED_SECONDS = DAY;

/** What SES says of a mail. */
export interface ReportedMailEvent {
  eventId: string;
  type: MailEvent["type"];
  isPermanent: boolean;
  subType: string | null;
  /** Addresses as SES writes them. */
  recipients: readonly string[];
  messageId: string;
  occurredAt: Date;
}

/** The identities of the addresses that could have been ours; SES may name others. */
function identities(recipients: readonly string[]): string[] {
  return recipients.flatMap((recipient) => {
    try {
      return [parseAddress(recipient).identity];
    } catch {
      return [];
    }
  });
}

/** Stores what became of a mail. Safe to repeat. */
export async function recordMailEvent(
  core: Pick<Core, "mailEvents" | "clock" | "log">,
  reported: ReportedMailEvent,
): Promise<void> {
  const { eventId, recipients, occurredAt, ...event } = reported;
  await core.mailEvents.insert({
    _id: mailEventId(eventId),
    ...event,
    identifierValues: identities(recipients),
    occurredAt: occurredAt.toISOString(),
    createdAt: core.clock.now().toISOString(),
    purgeAt: purgeAfter(occurredAt),
  });
  core.log.warn("mail_returned", {
    type: event.type,
    permanent: event.isPermanent,
    sub_type: event.subType,
    message_id: event.messageId,
  });
}

/** What became of mails since a moment, newest first: at most `limit`. */
export function listReturned(
  core: Pick<Core, "mailEvents">,
  since: Date,
  limit: number,
): Promise<MailEvent[]> {
  return core.mailEvents.listPurgedFrom(purgeAfter(since), limit);
}

/** Until when an address gets no mail, because of a hard bounce; null if it gets mail. */
export async function suppressedUntil(
  core: Pick<Core, "mailEvents" | "clock">,
  identity: string,
): Promise<Date | null> {
  const now = core.clock.now();
  const ends = (await core.mailEvents.listByIdentifiers([identity]))
    .filter(({ isPermanent }) => isPermanent)
    .map(({ occurredAt }) => plusSeconds(new Date(occurredAt), SUPPRESSED_SECONDS));
  return ends.find((end) => end > now) ?? null;
}

/** Whether an address bounced hard lately, so that another mail would only hurt our standing as a sender. */
export async function isSuppressed(
  core: Pick<Core, "mailEvents" | "clock">,
  identity: string,
): Promise<boolean> {
  const since = plusSeconds(core.clock.now(), -SUPPRESSED_SECONDS).toISOString();
  return (await core.mailEvents.findHardBounce(identity, since)) !== null;
}
