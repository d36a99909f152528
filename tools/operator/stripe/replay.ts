import type { Command } from "commander";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { STRIPE_EVENT_TYPES } from "#core/billing/events/event_types.ts";
import { processEvent } from "#core/billing/events/stripe_events.ts";
import { isThinType, type ReceivedEvent, readEvent } from "#core/billing/events/stripe_signature.ts";
import { WEBHOOK_LIMIT_MS } from "#core/call.ts";
import { DAY } from "#core/clock.ts";
import { NestError } from "#core/errors.ts";
import type { StripeEvent, StripeEventStatus } from "#core/repositories/stripe_events.ts";
import { stripeRefusal } from "#core/services/stripe.ts";
import { bindDeadline } from "#entry/deadline.ts";
import { withEventCore } from "#tools/operator/stripe/with_event_core.ts";
import { readAll } from "#tools/stage/stripe/read_all.ts";
import { act, examples, readTime, summarizeError, type Terminal } from "#tools/terminal/command.ts";
import { UsageError } from "#tools/terminal/errors.ts";

/** Stripe lists the events of the last 30 days. */
const LISTED_SECONDS = 30 * DAY;
const ANY_FINAL_STATUS: readonly StripeEventStatus[] = ["failed", "done", "ignored"];

/** The outcome of replaying one event. */
interface Replayed {
  id: string;
  type: string;
  ending: "done" | "ignored" | "failed" | "finished before";
  reason: string | null;
}

/** `stripe replay`: processes events again, from our ledger or from Stripe's list of events. */
export function replay(program: Command): void {
  const command = program
    .command("replay")
    .argument("[event...]", "event ids, evt_...: processes these again, even if they are done")
    .option("--failed", "processes the events of the ledger that failed or whose processing was interrupted")
    .option(
      "--since <time>",
      "processes the events that Stripe has listed since that time and that are missing or unfinished in the ledger",
    )
    .description("processes events again as the webhook does; an effect that has happened is not repeated");
  examples(command, [
    "stripe replay evt_1Qx...",
    "stripe replay --failed",
    "stripe replay --since 2026-01-31T12:00:00Z",
  ]);
  act(command, (terminal, ids: string[], options: { failed?: boolean; since?: string }) => {
    const ways = [ids.length > 0, options.failed === true, options.since !== undefined];
    if (ways.filter(Boolean).length !== 1) throw new UsageError("Pass event ids, --failed or --since.");
    if (!ids.every((id) => /^evt_\w+$/.test(id))) throw new UsageError("An event id begins with evt_.");
    const since = options.since === undefined ? null : readTime(options.since);
    return withEventCore(terminal, async (core) => {
      const outcomes: Replayed[] = [];
      for (const request of await listRequests(terminal, core, {
        ids,
        failed: options.failed === true,
        since,
      }))
        outcomes.push(await replayOne(terminal, core, request));
      terminal.say(summary(outcomes));
      terminal.result({ events: outcomes });
      return outcomes.every(({ ending }) => ending !== "failed");
    });
  });
}

/** An event to process again. */
interface ReplayRequest {
  id: string;
  read: () => ReceivedEvent | Promise<ReceivedEvent>;
  /** The final statuses from which it is processed again; `failed` only by default. */
  again?: readonly StripeEventStatus[];
  /** Reports an event as already processed without reading it. */
  isSkippedIfFinished?: boolean;
}

async function listRequests(
  terminal: Terminal,
  core: EventCore,
  { ids, failed, since }: { ids: readonly string[]; failed: boolean; since: Date | null },
): Promise<ReplayRequest[]> {
  const ofLedger = failed ? await listFailed(core) : [];
  const ofStripe = since ? await listSince(terminal, core, since) : [];
  return [
    ...ids.map((id) => ({ id, read: () => findEvent(core, id), again: ANY_FINAL_STATUS })),
    ...ofLedger.map((event) => ({ id: event.id, read: () => event })),
    ...ofStripe.map((event) => ({ id: event.id, read: () => event, isSkippedIfFinished: true })),
  ];
}

/** Processes one event and prints its outcome. */
async function replayOne(
  terminal: Terminal,
  core: EventCore,
  { id, read, again, isSkippedIfFinished = false }: ReplayRequest,
): Promise<Replayed> {
  let type = "-";
  try {
    const event = await read();
    type = event.type;
    if (isSkippedIfFinished && (await isFinished(core, id)))
      return { id, type, ending: "finished before", reason: null };
    const outcome = await processEvent(bindDeadline(core, Date.now() + WEBHOOK_LIMIT_MS), event, again);
    const reason = outcome && "reason" in outcome ? outcome.reason : null;
    const words = outcome?.status === "failed" ? `failed: ${reason}` : withReason(outcome?.status, reason);
    terminal.say(`${id}  ${type}  ${words}`);
    return { id, type, ending: outcome?.status ?? "finished before", reason };
  } catch (error) {
    const reason = summarizeError(error);
    terminal.say(`${id}  ${type}  failed: ${reason}`);
    return { id, type, ending: "failed", reason };
  }
}

function withReason(status = "already processed", reason: string | null): string {
  return reason === null ? status : `${status} (${reason})`;
}

/** Finds an event in the ledger, else at Stripe. */
async function findEvent(core: EventCore, id: string): Promise<ReceivedEvent> {
  const row = await core.stripeEvents.find(id);
  if (row) return fromLedger(row);
  try {
    return await core.stripe.request(async (sdk, options) =>
      readEvent(await sdk.events.retrieve(id, {}, options)),
    );
  } catch (error) {
    if (stripeRefusal(error)?.code !== "resource_missing") throw error;
    throw new NestError("not_found", { detail: "unknown to the ledger and to Stripe" });
  }
}

function fromLedger(row: StripeEvent): ReceivedEvent {
  const { _id, type, createdAt, apiVersion, isLive, objectId, customerId } = row;
  return {
    id: _id,
    type,
    createdAt,
    apiVersion,
    isLive: isLive ?? null,
    objectId,
    customer: customerId ?? null,
    isThin: isThinType(type),
  };
}

async function listFailed(core: EventCore): Promise<ReceivedEvent[]> {
  const events: ReceivedEvent[] = [];
  for await (const row of core.stripeEvents.listUnfinished(core.clock.now().toISOString()))
    events.push(fromLedger(row));
  return inOrder(events);
}

async function listSince(terminal: Terminal, core: EventCore, since: Date): Promise<ReceivedEvent[]> {
  const created = { gte: Math.floor(since.getTime() / 1000) };
  if (core.clock.now().getTime() / 1000 - created.gte > LISTED_SECONDS)
    terminal.err("Stripe lists events for 30 days only. Older events are not processed.");
  const types: string[] = STRIPE_EVENT_TYPES;
  const listed = await readAll(
    core.stripe,
    (sdk, options) => sdk.events.list({ types, created, limit: 100 }, options),
    readEvent,
  );
  return inOrder(listed.reverse());
}

/** Oldest first. Stripe's times are whole seconds; within a second, a creation comes before updates. */
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

function summary(outcomes: readonly Replayed[]): string {
  const count = (wanted: Replayed["ending"]) => outcomes.filter(({ ending }) => ending === wanted).length;
  return `${outcomes.length} events: ${count("done")} done, ${count("ignored")} ignored, ${count("failed")} failed, ${count("finished before")} already processed.`;
}
