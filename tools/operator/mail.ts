import type { Command } from "commander";
import { HOUR, plusSeconds, systemClock } from "#core/clock.ts";
import { listReturned, suppressedUntil } from "#core/messages/mail_events.ts";
import { openRepositories } from "#core/repositories/all.ts";
import type { MailEvent, MailedAddress } from "#core/repositories/mail_events.ts";
import { parseAddress } from "#core/users/address.ts";
import { onDatabase } from "#tools/operator/on_database.ts";
import { act, examples, readTime } from "#tools/terminal/command.ts";
import { CommandError, UsageError } from "#tools/terminal/errors.ts";
import { table } from "#tools/terminal/table.ts";

const LISTED = 1000;

/** `mail returned | show | release | preview`. */
export function mailCommands(program: Command): void {
  const mail = program
    .command("mail")
    .description("bounces and complaints, suppressed addresses, and previews of all emails");

  const returned = mail
    .command("returned")
    .option("--since <time>", "the start of the period; default: 24 hours ago")
    .description("lists bounces and complaints by domain and one by one, newest first");
  examples(returned, ["mail returned", "mail returned --since 2026-01-31T12:00:00Z"]);
  act(returned, (terminal, { since }: { since?: string }) =>
    onDatabase(terminal, async (database) => {
      const from = since === undefined ? plusSeconds(systemClock.now(), -24 * HOUR) : readTime(since);
      const events = await listReturned({ mailEvents: openRepositories(database).mailEvents }, from, LISTED);
      terminal.show(
        { domains: byDomain(events), events: events.map(shown) },
        events.length === 0
          ? "There were no bounces or complaints."
          : [...domainTable(events), "", ...eventTable(events)],
      );
    }),
  );

  const show = mail
    .command("show")
    .argument("<address>")
    .description(
      "shows the bounces and complaints of an address in every spelling, and whether mail to exactly this spelling is suppressed",
    );
  examples(show, ["mail show ada@example.com"]);
  act(show, (terminal, address: string) =>
    onDatabase(terminal, async (database) => {
      const mailEvents = openRepositories(database).mailEvents;
      const mailed = readAddress(address);
      const events = await mailEvents.listByIdentifiers([mailed.identity]);
      const until = await suppressedUntil({ mailEvents, clock: systemClock }, mailed);
      terminal.show({ suppressed_until: until?.toISOString() ?? null, events: events.map(shown) }, [
        until
          ? `Mail to ${mailed.recipient} is suppressed until ${until.toISOString()}.`
          : `Mail to ${mailed.recipient} is not suppressed.`,
        ...(events.length === 0 ? ["No bounce or complaint is stored."] : eventTable(events)),
      ]);
    }),
  );

  const release = mail
    .command("release")
    .argument("<address>")
    .description(
      "deletes the hard bounces of exactly this spelling of an address, so that mail to it is sent again at once",
    );
  examples(release, ["mail release ada@example.com"]);
  act(release, (terminal, address: string) =>
    onDatabase(terminal, async (database) => {
      const forgotten = await openRepositories(database).mailEvents.removeHardBounces(readAddress(address));
      terminal.show(
        { forgotten },
        forgotten === 0
          ? "It has no hard bounces. Nothing was changed."
          : `Mail to it is sent again. Hard bounces deleted: ${forgotten}.`,
      );
    }),
  );

  const preview = mail
    .command("preview")
    .option("--port <port>", "the port of the page", "3001")
    .description("serves a page with every email that Nest sends, until Ctrl-C");
  examples(preview, ["mail preview"]);
  act(preview, async (terminal, { port }: { port: string }) => {
    const { startMailPreview } = await import("#tools/local/mail_preview.ts");
    const { url } = await startMailPreview(Number(port)).catch(() => {
      throw new CommandError(`Port ${port} is in use. Pass another port with --port.`);
    });
    terminal.show({ url }, `Every email: ${url}\nCtrl-C stops it.`);
  });
}

function readAddress(address: string): MailedAddress {
  try {
    return parseAddress(address);
  } catch {
    throw new UsageError("That is not an email address.");
  }
}

const kindOf = ({ type, isPermanent }: MailEvent) =>
  type === "bounce" && !isPermanent ? "soft bounce" : type;
/** As they were mailed. An event that an earlier release stored has them in lower case only. */
const addressesOf = ({ recipients, identifierValues }: MailEvent) => recipients ?? identifierValues;
const shown = (event: MailEvent) => ({
  at: event.occurredAt,
  kind: kindOf(event),
  sub_type: event.subType,
  addresses: addressesOf(event),
  message_id: event.messageId,
});

const eventTable = (events: readonly MailEvent[]) =>
  table(
    events.map((event) => [
      event.occurredAt,
      kindOf(event),
      event.subType ?? "",
      addressesOf(event).join(", "),
    ]),
  );

/**
 * Bounces and complaints per domain, most first. If all are of one domain, that domain's mail servers are probably the
 * cause.
 */
function byDomain(events: readonly MailEvent[]): { domain: string; kind: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const event of events) {
    for (const address of addressesOf(event)) {
      const key = `${address.slice(address.lastIndexOf("@") + 1)} ${kindOf(event)}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return [...counts]
    .map(([key, count]) => {
      const [domain = "", ...kind] = key.split(" ");
      return { domain, kind: kind.join(" "), count };
    })
    .sort((one, other) => other.count - one.count);
}

const domainTable = (events: readonly MailEvent[]) =>
  table(byDomain(events).map(({ domain, kind, count }) => [String(count), kind, domain]));
