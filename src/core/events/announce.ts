import { plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { deliveryOf, isFor, messageOf } from "#core/events/webhook_message.ts";
import type { AuditLog } from "#core/repositories/audit_logs.ts";
import type { Webhook } from "#core/repositories/webhook_document.ts";

export type AnnounceCore = Pick<
  Core,
  "auditLogs" | "clock" | "webhookDeliveries" | "webhookMessages" | "webhooks"
>;

/** Rows that are announced at once. */
const PAGE = 200;
/** How much the clock of an instance that records an event may be ahead of ours. */
const CLOCK_SKEW_SECONDS = 60;

/**
 * Creates the deliveries of every event that was not announced to webhooks yet. First the messages are stored, then their
 * deliveries, then the rows of the audit log are marked, so that a crash in between loses nothing. Ids derive from the event and the
 * webhook, so that runs may overlap and be repeated.
 * @param deadline epoch milliseconds after which no further page is begun
 */
export async function announceEvents(core: AnnounceCore, deadline: number): Promise<void> {
  for (;;) {
    const until = plusSeconds(core.clock.now(), CLOCK_SKEW_SECONDS).toISOString();
    const rows = await core.auditLogs.listUnannounced(until, PAGE);
    if (rows.length === 0 || Date.now() >= deadline) return;
    // Read after the rows, so that a webhook that was created before an event is among them.
    await storeDeliveries(core, rows, await core.webhooks.list());
    await core.auditLogs.markAnnounced(rows.map(({ _id }) => _id));
  }
}

/**
 * Stores the messages and the deliveries of events, unless they are stored already.
 * @param rows the rows of the events in the audit log
 */
export async function storeDeliveries(
  core: Pick<AnnounceCore, "clock" | "webhookDeliveries" | "webhookMessages">,
  rows: readonly Omit<AuditLog, "purgeAt">[],
  webhooks: readonly Webhook[],
): Promise<void> {
  const now = core.clock.now();
  const wanted = rows.flatMap((row) => {
    const receivers = webhooks.filter((webhook) => isFor(webhook, row));
    return receivers.length === 0 ? [] : [{ message: messageOf(row, now), receivers }];
  });
  await core.webhookMessages.insertMissing(wanted.map(({ message }) => message));
  await core.webhookDeliveries.insertMissing(
    wanted.flatMap(({ message, receivers }) => receivers.map((webhook) => deliveryOf(message, webhook, now))),
  );
}
