import Stripe from "stripe";
import { NestError } from "#core/errors.ts";

/** Stripe's own tolerance, in seconds; the same bound holds for stamps from the future. */
const TOLERANCE_SECONDS = 300;

/** What we read of an event; its object is read again from Stripe. */
export interface ReceivedEvent {
  id: string;
  type: string;
  /** ISO, Stripe's time. */
  createdAt: string;
  apiVersion: string | null;
  /** Whether real money moves; null where nobody says. */
  isLive: boolean | null;
  objectId: string | null;
  /** The customer that the object names, if it does. */
  customer: string | null;
}

/**
 * Proves that a webhook comes from Stripe and is fresh, over the bytes as they were sent (Stripe: verify webhook
 * signatures manually). Any of several secrets may verify, so that one can be changed without losing an event.
 * @throws NestError invalid_webhook_payload
 */
export function readSignedEvent(
  body: Buffer,
  signature: string | null,
  secrets: readonly string[],
  now: Date,
): ReceivedEvent {
  // Stripe's SDK looks for stamps that are too old only.
  const stamps = (signature ?? "").split(",").filter((part) => part.startsWith("t="));
  const isInTime = Number(stamps[0]?.slice(2)) - now.getTime() / 1000 <= TOLERANCE_SECONDS;
  const payload = body.toString("utf8");
  const isSigned =
    signature !== null &&
    stamps.length === 1 &&
    isInTime &&
    secrets.some((secret) => {
      try {
        // Whatever else it may say, or leave out, is no proof.
        const { signature: verifier } = Stripe.webhooks;
        const at = now.getTime();
        return verifier?.verifyHeader(payload, signature, secret, TOLERANCE_SECONDS, undefined, at) === true;
      } catch {
        return false;
      }
    });
  if (!isSigned) throw new NestError("invalid_webhook_payload", { detail: "signature" });
  return readEvent(parse(payload));
}

function parse(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch {
    throw new NestError("invalid_webhook_payload", { detail: "not JSON" });
  }
}

const textOf = (value: unknown) => (typeof value === "string" ? value : null);

/**
 * Reads Stripe's event object, from a webhook or from its list of events.
 * @throws NestError invalid_webhook_payload
 */
export function readEvent(value: unknown): ReceivedEvent {
  const event = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  const { id, type, created, api_version, livemode } = event;
  const object = ((event.data as { object?: unknown } | null | undefined)?.object ?? {}) as Record<
    string,
    unknown
  >;
  const isEvent =
    typeof id === "string" &&
    /^evt_\w{1,250}$/.test(id) &&
    typeof type === "string" &&
    typeof created === "number";
  if (!isEvent || !(Math.abs(created) < 1e11))
    throw new NestError("invalid_webhook_payload", { detail: "not an event" });
  const customer = object.customer as unknown;
  return {
    id,
    type: type.slice(0, 100),
    createdAt: new Date(created * 1000).toISOString(),
    apiVersion: textOf(api_version),
    isLive: typeof livemode === "boolean" ? livemode : null,
    objectId: textOf(object.id),
    customer: textOf(customer) ?? textOf((customer as { id?: unknown } | null | undefined)?.id),
  };
}
