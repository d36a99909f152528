import type { Fields } from "#core/log.ts";

let count = 0;

/** Counts an event that this process records. */
export const countEvent = (): void => {
  count++;
};

/** How many events this process has recorded. */
export const countOfEvents = (): number => count;

/**
 * The field of a log line that says how many events its call recorded, if there were any. It starts the job that delivers webhooks
 * (decision 29). Concurrent calls share the count, so that it may start the job once too often.
 * @param before the count when the call began
 */
export const eventsSince = (before: number): Fields =>
  count > before ? { events_recorded: count - before } : {};
