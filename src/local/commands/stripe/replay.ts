import { parseArgs } from "node:util";
import { iso, safeParse, union } from "zod/mini";
import type { EventCore } from "#core/billing/event_core.ts";
import { STRIPE_EVENT_TYPES } from "#core/billing/event_types.ts";
import { workOnEvent } from "#core/billing/stripe_events.ts";
import { type ReceivedEvent, readEvent } from "#core/billing/stripe_signature.ts";
import { WEBHOOK_LIMIT_MS } from "#core/call.ts";
import { stripeRefusal } from "#core/clients/stripe.ts";
import { DAY } from "#core/clock.ts";
import { NestError } from "#core/errors.ts";
import type { StripeEvent, StripeEventStatus } from "#core/repositories/stripe_events.ts";
import { type Command, inWords, UsageError } from "#local/commands/stripe/command.ts";
import { readAll } from "#local/commands/stripe/read_all.ts";
import { withEventCore } from "#local/commands/stripe/with_event_core.ts";

/** Stripe's list goes back no further. */
const LISTED_SECONDS = 30 * DAY;
const WHATEVER_BECAME_OF_IT: readonly StripeEventStatus[] = ["failed", "done", "ignored"];

type Ending = "done" | "ignored" | "failed" | "before";

/** `stripe replay`: works events again, from the ledger or from Stripe's list of events. */
export const replay: Command = {
  usage: {
    "replay <event id>...": "works these events again, even if they are done",
    "replay --failed": "works those of the ledger that failed or were left behind",
    "replay --since <time>":
      "works those since then that Stripe lists and the ledger lacks or has not finished",
  },
  async run(args, environment) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { failed: { type: "boolean", default: false }, since: { type: "string" } },
    });
    const ways = [positionals.length > 0, values.failed, values.since !== undefined];
    if (ways.filter(Boolean).length !== 1) throw new UsageError("Say event ids, --failed or --since.");
    if (!positionals.every((id) => /^evt_\w+$/.test(id))) throw new UsageError("An event's id is evt_...");
    const since = values.since === undefined ? null : readTime(values.since);
    return withEventCore(environment, async (core) => {
      const endings: Ending[] = [];
      for (const id of positionals)
        endings.push(await workOne(core, id, () => findEvent(core, id), WHATEVER_BECAME_OF_IT));
      if (values.failed)
        for (const event of await listFailed(core)) endings.push(await workOne(core, event.id, () => event));
      if (since) {
        for (const event of await listSince(core, since)) {
          const isOver = await isFinished(core, event.id);
          endings.push(isOver ? "before" : await workOne(core, event.id, () => event));
        }
      }
      console.log(summary(endings));
      return !endings.includes("failed");
    });
  },
};

function readTime(text: string): Date {
  const isTime = safeParse(union([iso.datetime({ offset: true }), iso.date()]), text).success;
  if (!isTime) throw new UsageError("A time is such as 2026-01-31T12:00:00Z.");
  return new Date(text);
}

/** Works on one event and prints a line about it. */
async function workOne(
  core: EventCore,
  id: string,
  read: () => ReceivedEvent | Promise<ReceivedEvent>,
  again?: readonly StripeEventStatus[],
): Promise<Ending> {
  let type = "-";
  try {
    const event = await read();
    type = event.type;
    const outcome = await workOnEvent(core, event, Date.now() + WEBHOOK_LIMIT_MS, again);
    const reason = outcome?.status === "ignored" ? ` (${outcome.reason})` : "";
    console.log(`${id}  ${type}  ${outcome ? outcome.status : "finished by somebody else"}${reason}`);
    return outcome?.status ?? "before";
  } catch (error) {
    console.log(`${id}  ${type}  failed: ${inWords(error)}`);
    return "failed";
  }
}

/** An event as the ledger has it, else as Stripe does. */
async function findEvent(core: EventCore, id: string): Promise<ReceivedEvent> {
  const row = await core.stripeEvents.find(id);
  if (row) return fromLedger(row);
  try {
    return await core.stripe.request({ deadline: Date.now() + WEBHOOK_LIMIT_MS }, async (sdk, options) =>
      readEvent(await sdk.events.retrieve(id, {}, options)),
    );
  } catch (error) {
    if (stripeRefusal(error)?.code !== "resource_missing") throw error;
    throw new NestError("not_found", { detail: "neither the ledger nor Stripe has it" });
  }
}

function fromLedger(row: StripeEvent): ReceivedEvent {
  const { _id, type, createdAt, apiVersion, objectId, customerId } = row;
  return { id: _id, type, createdAt, apiVersion, objectId, customer: customerId ?? null };
}

async function listFailed(core: EventCore): Promise<ReceivedEvent[]> {
  const events: ReceivedEvent[] = [];
  for await (const row of core.stripeEvents.listUnfinished(core.clock.now().toISOString()))
    events.push(fromLedger(row));
  return inOrder(events);
}

async function listSince(core: EventCore, since: Date): Promise<ReceivedEvent[]> {
  const created = { gte: Math.floor(since.getTime() / 1000) };
  if (core.clock.now().getTime() / 1000 - created.gte > LISTED_SECONDS)
    console.error("Stripe lists events for 30 days: older ones are not worked.");
  const types: string[] = STRIPE_EVENT_TYPES;
  const listed = await readAll(
    core.stripe,
    (sdk, options) => sdk.events.list({ types, created, limit: 100 }, options),
    readEvent,
  );
  return inOrder(listed.reverse());
}

/** Oldest first. Stripe's time has whole seconds: within one, an object is made before it changes. */
function inOrder(events: readonly ReceivedEvent[]): ReceivedEvent[] {
  const place = ({ type }: ReceivedEvent) => (STRIPE_EVENT_TYPES as string[]).indexOf(type);
  return events.toSorted(
    (one, other) => one.createdAt.localeCompare(other.createdAt) || place(one) - place(other),
  );
}

async function isFinished(core: EventCore, id: string): Promise<boolean> {
  const status = (await core.stripeEvents.find(id))?.status;
  return status === "done" || status === "ignored";
}

function summary(endings: readonly Ending[]): string {
  const count = (wanted: Ending) => endings.filter((ending) => ending === wanted).length;
  return `${endings.length} events: ${count("done")} done, ${count("ignored")} ignored, ${count("failed")} failed, ${count("before")} finished before.`;
}
