import { channel } from "node:diagnostics_channel";
import type { RecordedRequest } from "#local/stripe/server.ts";

/** Fields, by the id of their object, that a control wrote as it was told to: no Stripe would say them. */
export type ForcedFields = ReadonlyMap<string, ReadonlySet<string>>;

/** What the double heard and said. */
export type Exchange =
  | { kind: "call"; request: RecordedRequest; forced: ForcedFields }
  /** The body of an event, as it is signed and sent. */
  | { kind: "event"; body: string; forced: ForcedFields };

/** Where every double of this process publishes each of its exchanges, for whoever checks that they are Stripe's. */
export const exchanges = channel("nest.stripe_double.exchanges");
