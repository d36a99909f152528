import { type Account, newId } from "./account.ts";

/** An event of API v2, which names its object instead of containing it. */
export interface ThinEvent {
  id: string;
  object: "v2.core.event";
  context: string | null;
  /** ISO 8601. */
  created: string;
  livemode: boolean;
  reason: null;
  related_object: { id: string; type: string; url: string };
  type: string;
}

const PATHS: Readonly<Record<string, [type: string, path: string]>> = {
  cus: ["customer", "/v1/customers/"],
  in: ["invoice", "/v1/invoices/"],
  ch: ["charge", "/v1/charges/"],
  pi: ["payment_intent", "/v1/payment_intents/"],
  sub: ["subscription", "/v1/subscriptions/"],
};

/**
 * Creates the thin form of an event about an object.
 * @see https://docs.stripe.com/event-destinations#thin-events
 */
export function thinEvent(account: Account, type: string, id: string): ThinEvent {
  const [name, path] = PATHS[id.slice(0, id.indexOf("_"))] ?? ["object", "/v1/objects/"];
  return {
    id: newId("evt"),
    object: "v2.core.event",
    context: null,
    created: new Date(account.now() * 1000).toISOString(),
    livemode: false,
    reason: null,
    related_object: { id, type: name, url: `${path}${id}` },
    type: `v1.${type}`,
  };
}
