import type { Price } from "./types.ts";

export const HOUR = 3600;
export const DAY = 24 * HOUR;

/**
 * The end of the period that starts at a moment. Months keep the anchor's day where they have it: from the 31st of
 * January to the 28th of February to the 31st of March.
 */
export function periodEnd(start: number, price: Price, anchor: number): number {
  const { interval, interval_count: count } = price.recurring ?? { interval: "month", interval_count: 1 };
  if (interval === "day") return start + count * DAY;
  if (interval === "week") return start + count * 7 * DAY;
  return addMonths(start, interval === "year" ? 12 * count : count, anchor);
}

/** A moment some months later (or earlier), on the anchor's day of the month or the last there is. */
export function addMonths(moment: number, months: number, anchor = moment): number {
  const date = new Date(moment * 1000);
  const day = new Date(anchor * 1000).getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + months);
  const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  date.setUTCDate(Math.min(day, last));
  return Math.floor(date.getTime() / 1000);
}
