import { MINUTE, plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { type AnnounceCore, announceEvents } from "#core/events/announce.ts";
import { type AuditCore, auditRow } from "#core/events/audit_row.ts";
import { describeFailure } from "#core/log.ts";
import type { Outboxes, PendingEvents } from "#core/repositories/outboxes.ts";

/** Documents of each collection that are read at once. */
const PAGE = 100;
/** Documents that are written concurrently. */
const CONCURRENT = 8;
/** Rows whose origin one run removes at most. */
const ORIGINS = 5_000;
/** How much the clock of an instance that records an event may be ahead of ours. */
const CLOCK_SKEW_SECONDS = MINUTE;

export type MoveCore = AuditCore & AnnounceCore & Pick<Core, "clock" | "log"> & { outboxes: Outboxes };

/** The outcome of a run. */
export interface MoveOutcome {
  /** Events that were moved. */
  moved: number;
  /** Documents whose events the next run moves, because this run had no time left. */
  left: number;
  /** Documents whose events are in the audit log and could not be removed from the document. */
  failed: number;
}

/**
 * Moves every event to the audit log, makes the deliveries of webhooks, and removes origins that are 90 days old.
 * @param deadline epoch milliseconds after which no further page is begun
 */
export async function moveEvents(core: MoveCore, deadline: number): Promise<MoveOutcome> {
  await core.auditLogs.removeOrigins(core.clock.now().toISOString(), ORIGINS);
  return moveAndAnnounce(core, deadline);
}

/**
 * Moves every event to the audit log, and makes the deliveries of webhooks.
 * @param deadline epoch milliseconds after which no further page is begun
 */
export async function moveAndAnnounce(core: MoveCore, deadline: number): Promise<MoveOutcome> {
  const outcome = await moveAll(core, deadline);
  await announceEvents(core, deadline);
  return outcome;
}

/**
 * First the rows are added, then the events are removed from their documents, so that a crash in between loses no event. The id of
 * a row derives from the event, so that runs may overlap and be repeated.
 */
async function moveAll(core: MoveCore, deadline: number): Promise<MoveOutcome> {
  const outcome: MoveOutcome = { moved: 0, left: 0, failed: 0 };
  // A document that failed would be listed again, so a failure ends the run.
  while (outcome.failed === 0) {
    const until = plusSeconds(core.clock.now(), CLOCK_SKEW_SECONDS).toISOString();
    const page = await core.outboxes.list(until, PAGE);
    if (page.length === 0) return outcome;
    if (Date.now() >= deadline) return { ...outcome, left: page.length };
    const rows = page.flatMap(({ events }) => events.map((event) => auditRow(core, event)));
    await core.auditLogs.insertMissing(rows);
    outcome.moved += rows.length;
    outcome.failed += await removeMoved(core, page);
  }
  return outcome;
}

/** @returns the number of documents that failed */
async function removeMoved(core: MoveCore, page: readonly PendingEvents[]): Promise<number> {
  let failed = 0;
  for (let first = 0; first < page.length; first += CONCURRENT) {
    const group = page.slice(first, first + CONCURRENT).map((pending) =>
      core.outboxes.remove(pending).catch((error: unknown) => {
        failed++;
        core.log.warn("event_not_removed", { collection: pending.collectionName, ...describeFailure(error) });
      }),
    );
    await Promise.all(group);
  }
  return failed;
}
