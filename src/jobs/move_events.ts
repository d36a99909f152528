/**
 * Moves events from the documents that they changed to the audit log, and removes origins after 90 days. Only EventBridge
 * has permission to invoke this function.
 */
import { moveEvents } from "#core/events/move_events.ts";
import { outboxes } from "#core/parts.ts";
import { job } from "#entry/job.ts";

export const handler = job({
  name: "move_events",
  summary: "Moves events to the audit log, and removes IP addresses and user agents from it after 90 days.",
  schedule: "rate(1 minute)",
  limitSeconds: 60,
  parts: { outboxes },
  async run({ core, deadline }) {
    const { moved, left, failed } = await moveEvents(core, deadline);
    return { done: moved, pending: left, failed };
  },
});
