import { DAY, plusSeconds } from "#core/clock.ts";

/** How long ended documents are kept, so that support can answer "why was I signed out?" (contract 1.4). */
export const KEPT_AFTER_END_SECONDS = 30 * DAY;

/** When a document that ends at `expiresAt` is removed. */
export function purgeAfter(expiresAt: Date): Date {
  return plusSeconds(expiresAt, KEPT_AFTER_END_SECONDS);
}
