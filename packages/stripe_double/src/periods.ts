import type { Price } from "./types.ts";

export const HOUR_SECONDS = 3600;
export const DAY_SECONDS = 24 * HOUR_SECONDS;

/**
 * The end of the billing period that starts at `start` (Unix seconds). Periods of months end on the anchor's day of the
 * month, or on the last day of a shorter month: January 31, February 28, March 31.
 * @see https://docs.stripe.com/billing/subscriptions/billing-cycle
 */
export function periodEnd(start: number, price: Price, anchor: number): number {
  const { interval, interval_count: count } = price.recurring ?? { interval: "month", interval_count: 1 };
  if (interval === "day") return start + count * DAY_SECONDS;
  if (interval === "week") return start + count * 7 * DAY_SECONDS;
  return addMonths(start, interval === "year" ? 12 * count : count, anchor);
}

/** Adds months to a time (Unix seconds), and keeps the anchor's day of the month if the month is long enough. */
export function addMonths(time: number, months: number, anchor = time): number {
  const date = new Date(time * 1000);
  const day = new Date(anchor * 1000).getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + months);
  const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  date.setUTCDate(Math.min(day, last));
  return Math.floor(date.getTime() / 1000);
}
