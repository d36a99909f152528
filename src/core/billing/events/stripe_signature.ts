import Stripe from "stripe";
import { NestError } from "#core/errors.ts";

/** Stripe's own tolerance. It also applies to timestamps in the future. */
const TOLERANCE_SECONDS = 300;

/** The parts of an event that are used. Its object is read again from Stripe. */
export interface ReceivedEvent {
  id: string;
  type: string;
  /** Stripe's time, ISO 8601. */
  createdAt: string;
  apiVersion: string | null;
  /** Whether the event is of live mode; null if unknown. */
  isLive: boolean | null;
  objectId: string | null;
  /** The customer that the object names. */
  customer: string | null;
  /** Whether it is a thin event of API v2, which contains no object (https://docs.stripe.com/event-destinations). */
  isThin: boolean;
}

/** Whether a type is that of a thin event: `v1.customer.subscription.created`, `v2.core.event_destination.ping`. */
export function isThinType(type: string): boolean {
  return /^v\d+\./.test(type);
}

/**
 * Verifies that a webhook comes from Stripe and is fresh, then reads its event
 * (https://docs.stripe.com/webhooks#verify-manually).
 * @param body exactly as it was sent, since the signature is over its bytes
 * @param signature the `Stripe-Signature` header
 * @param secrets any of them may verify, so that one can be rotated without losing an event
 * @throws NestError `invalid_webhook_payload`
 */
export function readSignedEvent(
  body: Buffer,
  signature: string | null,
  secrets: readonly string[],
  now: Date,
): ReceivedEvent {
  // Stripe's SDK rejects only timestamps that are too old.
  const timestamps = (signature ?? "").split(",").filter((part) => part.startsWith("t="));
  const isInTime = Number(timestamps[0]?.slice(2)) - now.getTime() / 1000 <= TOLERANCE_SECONDS;
  const payload = body.toString("utf8");
  const isSigned =
    signature !== null &&
    timestamps.length === 1 &&
    isInTime &&
    secrets.some((secret) => {
      try {
        // Every result except `true` is a failure.
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
 * Reads an event of Stripe, from a webhook or from Stripe's list of events.
 * @throws NestError `invalid_webhook_payload`
 */
export function readEvent(value: unknown): ReceivedEvent {
  const event = recordOf(value);
  const { id, type, api_version, livemode } = event;
  const isThin = textOf(event.object)?.startsWith("v2.") ?? false;
  const object = recordOf(isThin ? event.related_object : recordOf(event.data).object);
  const createdAt = readTime(event.created, isThin);
  const isEvent = typeof id === "string" && /^evt_\w{1,250}$/.test(id) && typeof type === "string";
  if (!isEvent || createdAt === null)
    throw new NestError("invalid_webhook_payload", { detail: "not an event" });
  const { customer } = object;
  return {
    id,
    type: type.slice(0, 100),
    createdAt,
    apiVersion: textOf(api_version),
    isLive: typeof livemode === "boolean" ? livemode : null,
    objectId: textOf(object.id),
    customer: textOf(customer) ?? textOf(recordOf(customer).id),
    isThin,
  };
}

function recordOf(value: unknown): Record<string, unknown> {
  return (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
}

/** Reads the time of an event: Unix seconds, or ISO 8601 in a thin event. */
function readTime(created: unknown, isThin: boolean): string | null {
  const milliseconds = isThin ? Date.parse(textOf(created) ?? "") : Number(created) * 1000;
  const isTime = typeof created === (isThin ? "string" : "number") && Math.abs(milliseconds) < 1e14;
  return isTime ? new Date(milliseconds).toISOString() : null;
}
