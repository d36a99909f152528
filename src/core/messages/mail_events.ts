import { DAY, plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { mailEventId } from "#core/ids.ts";
import { type ReportedAddresses, returnedAddresses } from "#core/messages/returned_mail.ts";
import type { MailEvent, MailedAddress } from "#core/repositories/mail_events.ts";
import { purgeAfter } from "#core/retention.ts";

/** After a hard bounce, an address receives no mail for this long (contract 1.5). */
export const SUPPRESSED_SECONDS = DAY;

/** A bounce or complaint that SES reported. */
export interface ReportedMailEvent {
  eventId: string;
  type: MailEvent["type"];
  isPermanent: boolean;
  subType: string | null;
  addresses: ReportedAddresses;
  messageId: string;
  occurredAt: Date;
}

type KnownCore = Pick<Core, "authorizations" | "identifiers" | "verifications">;

/**
 * Stores a bounce or complaint for the addresses that belong to a user, or to a stored link or code. Any other address was
 * erased after the mail was sent, and the event would leave a trace of it (contract 1.7). Safe to repeat.
 */
export async function recordMailEvent(
  core: KnownCore & Pick<Core, "mailEvents" | "clock" | "log">,
  { eventId, addresses, occurredAt, ...event }: ReportedMailEvent,
): Promise<void> {
  core.log.warn("mail_returned", {
    type: event.type,
    permanent: event.isPermanent,
    sub_type: event.subType,
    message_id: event.messageId,
  });
  const returned = returnedAddresses(addresses);
  const known = await findKnown(core, returned);
  if (returned.length > 0 && known.length === 0) return;
  const _id = mailEventId(eventId);
  await core.mailEvents.insert({
    _id,
    ...event,
    identifierValues: known.map(({ identity }) => identity),
    recipients: known.map(({ recipient }) => recipient),
    occurredAt: occurredAt.toISOString(),
    createdAt: core.clock.now().toISOString(),
    purgeAt: purgeAfter(occurredAt),
  });
  // An erasure may have run between the check and the insert.
  if ((await findKnown(core, known)).length < known.length) await core.mailEvents.discard(_id);
}

/** Returns the addresses that belong to a user, or to a stored link or code. Nest mails no other address. */
async function findKnown<Mailed extends MailedAddress>(
  core: KnownCore,
  addresses: readonly Mailed[],
): Promise<Mailed[]> {
  const found = await Promise.all(
    addresses.map(async (address) => {
      const [identifier, hasLink, codes] = await Promise.all([
        core.identifiers.findActive("email", address.identity),
        core.authorizations.isKnownAddress(address.identity),
        // A person who registers, or asks for a code, has no user until the address is verified.
        core.verifications.listNewestOf([address.identity], 1),
      ]);
      return identifier !== null || hasLink || codes.length > 0 ? [address] : [];
    }),
  );
  return found.flat();
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
  address: MailedAddress,
): Promise<Date | null> {
  const now = core.clock.now();
  const ends = (await core.mailEvents.listHardBounces(address)).map(({ occurredAt }) =>
    plusSeconds(new Date(occurredAt), SUPPRESSED_SECONDS),
  );
  return ends.find((end) => end > now) ?? null;
}

/**
 * Whether exactly this recipient had a hard bounce recently. Another mail would only hurt the sender reputation.
 */
export async function isSuppressed(
  core: Pick<Core, "mailEvents" | "clock">,
  address: MailedAddress,
): Promise<boolean> {
  const since = plusSeconds(core.clock.now(), -SUPPRESSED_SECONDS).toISOString();
  return (await core.mailEvents.findHardBounce(address, since)) !== null;
}
