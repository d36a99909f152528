import { createHmac } from "node:crypto";
import { type ForcedFields, traffic } from "./traffic.ts";
import type { DoubleEvent } from "./types.ts";

export interface SignedEvent {
  body: string;
  /** The `stripe-signature` header. */
  header: string;
}

export interface SigningOptions {
  /** The webhook endpoint's secret. */
  secret: string;
  /** The time in signatures, in milliseconds. */
  signedAt: () => number;
  forced: ForcedFields;
}

const RESPONSE_TIMEOUT_MS = 10_000;

/**
 * Serializes an event and signs it with scheme v1.
 * @see https://docs.stripe.com/webhooks?verify=verify-manually
 */
export function signEvent(event: object, { secret, signedAt, forced }: SigningOptions): SignedEvent {
  const body = JSON.stringify(event);
  // The schema is that of snapshot events (API v1).
  if (!("object" in event) || event.object !== "v2.core.event")
    traffic.publish({ kind: "event", body, forced });
  const timestamp = Math.floor(signedAt() / 1000);
  const signature = createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex");
  return { body, header: `t=${timestamp},v1=${signature}` };
}

/**
 * Posts a signed event once.
 * @returns the HTTP status, or null when there was no response within 10 seconds
 */
export async function postEvent(
  event: DoubleEvent,
  url: string,
  signing: SigningOptions,
  signal: AbortSignal,
): Promise<number | null> {
  const { body, header } = signEvent(event, signing);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json; charset=utf-8",
        "stripe-signature": header,
        "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
      },
      body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(RESPONSE_TIMEOUT_MS)]),
    });
    await response.arrayBuffer();
    return response.status;
  } catch {
    // Stripe retries a delivery without a response like any other failed delivery.
    return null;
  }
}
