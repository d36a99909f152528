import { channel } from "node:diagnostics_channel";
import type { Form } from "./form.ts";

/** One API request with its response. */
export interface RecordedRequest {
  id: string;
  method: string;
  path: string;
  params: Form;
  idempotencyKey: string | null;
  /** The HTTP status. Null while the request runs, and permanently if it is never completed. */
  status: number | null;
  /** Whether the response was replayed for an idempotency key. */
  isReplay: boolean;
  /** The body of the response. */
  answer: unknown;
}

/** Object id to the fields that a control overwrote. Schema checks skip these fields, as Stripe may never send them. */
export type ForcedFields = ReadonlyMap<string, ReadonlySet<string>>;

/** One message that the double exchanged with its user: an API request with its response, or an event. */
export type TrafficRecord =
  | { kind: "call"; request: RecordedRequest; forced: ForcedFields }
  /** `body` is the event as it is signed and sent. */
  | { kind: "event"; body: string; forced: ForcedFields };

/** Every double of this process publishes its `TrafficRecord`s here, so that a test can check them against a schema. */
export const traffic = channel("stripe_double.traffic");
