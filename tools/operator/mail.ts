import type { Command } from "commander";
import { HOUR, plusSeconds, systemClock } from "#core/clock.ts";
import { listReturned, suppressedUntil } from "#core/messages/mail_events.ts";
import { openRepositories } from "#core/repositories/all.ts";
import type { MailEvent } from "#core/repositories/mail_events.ts";
import { parseAddress } from "#core/users/address.ts";
import { onDatabase } from "#tools/operator/on_database.ts";
import { act, examples, readTime, table } from "#tools/terminal/command.ts";
import { UsageError } from "#tools/terminal/errors.ts";

const LISTED = 1000;

/** `mail returned | show | release`. */
export function mailCommands(program: Command): void {
  const mail = program
    .command("mail")
    .description("mails that came back, and addresses that get none for it");

  const returned = mail
    .command("returned")
    .option("--since <time>", "from when on; the last 24 hours if not told")
    .description("bounces and complaints, by domain and one by one, newest first");
  examples(returned, ["mail returned", "mail returned --since 2026-01-31T12:00:00Z"]);
  act(returned, (terminal, { since }: { since?: string }) =>
    onDatabase(terminal, async (database) => {
      const from = since === undefined ? plusSeconds(systemClock.now(), -24 * HOUR) : readTime(since);
      const events = await listReturned({ mailEvents: openRepositories(database).mailEvents }, from, LISTED);
      terminal.show(
        { domains: byDomain(events), events: events.map(shown) },
        events.length === 0 ? "No mail came back." : [...domainTable(events), "", ...eventTable(events)],
      );
    }),
  );

  const show = mail
    .command("show")
    .argument("<address>")
    .description("what became of the mails to an address, and whether it gets any now");
  examples(show, ["mail show ada@example.com"]);
  act(show, (terminal, address: string) =>
    onDatabase(terminal, async (database) => {
      const mailEvents = openRepositories(database).mailEvents;
      const identity = identityOf(address);
      const events = await mailEvents.listByIdentifiers([identity]);
      const until = await suppressedUntil({ mailEvents, clock: systemClock }, identity);
      terminal.show({ suppressed_until: until?.toISOString() ?? null, events: events.map(shown) }, [
        until ? `It gets no mail until ${until.toISOString()}.` : "It gets mail.",
        ...(events.length === 0 ? ["Nothing is stored of it."] : eventTable(events)),
      ]);
    }),
  );

  const release = mail
    .command("release")
    .argument("<address>")
    .description("forgets that an address bounced, so that it gets mail again at once");
  examples(release, ["mail release ada@example.com"]);
  act(release, (terminal, address: string) =>
    onDatabase(terminal, async (database) => {
      const forgotten = await openRepositories(database).mailEvents.removeHardBounces(identityOf(address));
      terminal.show(
        { forgotten },
        forgotten === 0 ? "It had not bounced." : `It gets mail again (bounces forgotten: ${forgotten}).`,
      );
    }),
  );
}

function identityOf(address: string): string {
  try {
    return parseAddress(address).identity;
  } catch {
    throw new UsageError("That is no address.");
  }
}

const kindOf = ({ type, isPermanent }: MailEvent) =>
  type === "bounce" && !isPermanent ? "soft bounce" : type;
const shown = (event: MailEvent) => ({
  at: event.occurredAt,
  kind: kindOf(event),
  sub_type: event.subType,
  addresses: event.identifierValues,
  message_id: event.messageId,
});

const eventTable = (events: readonly MailEvent[]) =>
  table(
    events.map((event) => [
      event.occurredAt,
      kindOf(event),
      event.subType ?? "",
      event.identifierValues.join(", "),
    ]),
  );

/** How often mail came back from each domain, most first: one domain alone is that domain's trouble. */
function byDomain(events: readonly MailEvent[]): { domain: string; kind: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const event of events) {
    for (const address of event.identifierValues) {
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
