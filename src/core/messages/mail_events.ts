import { DAY, plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { mailEventId } from "#core/ids.ts";
import type { MailEvent } from "#core/repositories/mail_events.ts";
import { purgeAfter } from "#core/retention.ts";
import { parseAddress } from "#core/users/address.ts";

/** After a hard bounce, an address receives no mail for this long (contract 1.5). */
export const SUPPRESSED_SECONDS = DAY;

/** A bounce or complaint that SES reported. */
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

/** The normalized addresses. SES may report addresses that are not valid here; they are dropped. */
function identities(recipients: readonly string[]): string[] {
  return recipients.flatMap((recipient) => {
    try {
      return [parseAddress(recipient).identity];
    } catch {
      return [];
    }
  });
}

/** Stores a bounce or complaint. Safe to repeat. */
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

/** Lists at most `limit` bounces and complaints since a time, newest first. */
export function listReturned(
  core: Pick<Core, "mailEvents">,
  since: Date,
  limit: number,
): Promise<MailEvent[]> {
  return core.mailEvents.listPurgedFrom(purgeAfter(since), limit);
}

/**
 * The time until which an address receives no mail because of a hard bounce.
 * @returns null if it receives mail
 */
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

/** Whether an address had a hard bounce recently. Another mail would only hurt the sender reputation. */
export async function isSuppressed(
  core: Pick<Core, "mailEvents" | "clock">,
  identity: string,
): Promise<boolean> {
  const since = plusSeconds(core.clock.now(), -SUPPRESSED_SECONDS).toISOString();
  return (await core.mailEvents.findHardBounce(identity, since)) !== null;
}
