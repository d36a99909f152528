import { DAY, plusSeconds } from "#core/clock.ts";

/** How long ended documents are kept, so that support can answer "why was I signed out?" (contract 1.4). */
export const KEPT_AFTER_END_SECONDS = 30 * DAY;

/** How long a row of the audit log says where a call came from. */
export const KEPT_ORIGIN_SECONDS = 90 * DAY;

/** When a document that ends at `expiresAt` is removed. */
export function purgeAfter(expiresAt: Date): Date {
  return plusSeconds(expiresAt, KEPT_AFTER_END_SECONDS);
}

/** How long an expired verification is kept, to answer "why did the code not work?". */
const VERIFICATION_KEPT_SECONDS = 7 * DAY;

/** When a verification that expires at `expiresAt` is removed. */
export function purgeVerificationAfter(expiresAt: Date): Date {
  return plusSeconds(expiresAt, VERIFICATION_KEPT_SECONDS);
}

/** How long the record of an expired access token is kept. Without its record, the token is still refused, because it has expired. */
export const ACCESS_TOKEN_KEPT_SECONDS = 7 * DAY;

/** When the record of an access token that expires at `expiresAt` is removed. */
export function purgeAccessTokenAfter(expiresAt: Date): Date {
  return plusSeconds(expiresAt, ACCESS_TOKEN_KEPT_SECONDS);
}

/** How long a used refresh token is kept after its successor was acknowledged or used (contract 1.7). */
export const KEPT_AFTER_ACKNOWLEDGEMENT_SECONDS = 35 * DAY;

/**
 * When a used refresh token is removed whose successor was acknowledged or used at `now`. Until then its reuse is
 * recognized as theft, and it can sign the session out.
 */
export function purgeAfterAcknowledgement(now: Date): Date {
  return plusSeconds(now, KEPT_AFTER_ACKNOWLEDGEMENT_SECONDS);
}

/** How long a delivery of a webhook is kept, and a deleted webhook. */
const KEPT_DELIVERY_SECONDS = 30 * DAY;

/** When a delivery that was created at `now`, or a webhook that was deleted then, is removed. */
export const purgeDeliveryAfter = (now: Date): Date => plusSeconds(now, KEPT_DELIVERY_SECONDS);

/** When a message of webhooks is removed: a day after the deliveries that send it. */
export const purgeMessageAfter = (now: Date): Date => plusSeconds(now, KEPT_DELIVERY_SECONDS + DAY);
