/**
 * Sends events to webhooks. It runs every minute, and within seconds after a call that recorded an event. Only EventBridge and the log
 * group of the stage have permission to invoke this function.
 */
import { moveAndAnnounce } from "#core/events/move_events.ts";
import { mailer, outboxes } from "#core/parts.ts";
import { deliverWebhooks } from "#core/webhooks/deliver.ts";
import { receiver, webhookKeys } from "#core/webhooks/webhook_parts.ts";
import { job } from "#entry/job.ts";

/** The second attempt of a delivery follows after 5 s, so a run that had a failure waits for it. */
const PATIENCE_MS = 8_000;
/** Kept for the writes after the last attempt. */
const WRITES_MS = 2_000;

export const handler = job({
  name: "deliver_webhooks",
  summary: "Sends events to webhooks, and mails administrators about webhooks that it disabled.",
  schedule: "rate(1 minute)",
  isStartedByEvents: true,
  limitSeconds: 60,
  parts: { mailer, outboxes, receiver, webhookKeys },
  async run({ core, deadline }) {
    const { failed: notMoved } = await moveAndAnnounce(core, deadline);
    const limits = { deadline: deadline - WRITES_MS, patienceMs: PATIENCE_MS };
    const { delivered, refused, failed } = await deliverWebhooks(core, limits);
    return { done: delivered, pending: refused, failed: failed + notMoved };
  },
});
