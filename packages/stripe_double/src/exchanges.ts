import { channel } from "node:diagnostics_channel";
import type { Form } from "./form.ts";

/** One API call, as tests look at it. */
export interface RecordedRequest {
  id: string;
  method: string;
  path: string;
  params: Form;
  idempotencyKey: string | null;
  /** Null while it runs, and for ever when it was never answered. */
  status: number | null;
  isReplay: boolean;
  /** What was answered, for checks against a schema. */
  answer: unknown;
}

/** Fields, by the id of their object, that a control wrote as it was told to: no Stripe would say them. */
export type ForcedFields = ReadonlyMap<string, ReadonlySet<string>>;

/** What the double heard and said. */
export type Exchange =
  | { kind: "call"; request: RecordedRequest; forced: ForcedFields }
  /** The body of an event, as it is signed and sent. */
  | { kind: "event"; body: string; forced: ForcedFields };

/** Where every double of this process publishes each of its exchanges, for whoever checks that they are Stripe's. */
export const exchanges = channel("nest.stripe_double.exchanges");
