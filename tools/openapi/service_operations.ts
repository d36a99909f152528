import { toJSONSchema } from "zod";
import { handler as stripeWebhook } from "#callbacks/stripe_webhook.ts";
import type { ErrorCode } from "#core/errors.ts";
import { failures, json, success } from "#tools/openapi/responses.ts";
import type { Operation, PathItem, Schema } from "#tools/openapi/types.ts";

/** What every function answers with that can't do its work. */
const BROKEN: readonly ErrorCode[] = ["unknown"];

const text = (description: string, example: string): Schema => ({
  type: "string",
  description,
  examples: [example],
});

const publicKey: Record<string, Schema> = {
  kty: { type: "string", const: "EC" },
  crv: { type: "string", const: "P-256" },
  x: text("Unpadded base64url.", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
  y: text("Unpadded base64url.", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
  kid: text("Names the key in a token's header.", "2026-03-14-f83OJ3D2"),
  use: { type: "string", const: "sig" },
  alg: { type: "string", const: "ES256" },
};

const closed = (properties: Record<string, Schema>): Schema => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});

const health: Omit<Operation, "operationId"> = {
  tags: ["Service"],
  summary: "Tells that the API answers.",
  description: "Asks no database and nobody else, so it says nothing of them.",
  security: [{}],
  responses: {
    ...success(closed({ status: { type: "string", const: "ok" } })),
    ...failures(BROKEN),
  },
};

const keys: Operation = {
  operationId: "get_jwks",
  tags: ["Service"],
  summary: "Lists the public keys that our tokens are signed with.",
  description:
    "A JWK set (RFC 7517). A key is here an hour before it signs anything and for as long as anything it signed is good, so the set may be kept for five minutes.",
  security: [{}],
  responses: {
    ...success(closed({ keys: { type: "array", items: closed(publicKey) } }), { names: ["cache-control"] }),
    ...failures(BROKEN),
  },
};

/** Stripe's own object, of which these are what we rely on. */
const event: Schema = {
  description: "An event as Stripe sends it. Its object is read again from Stripe, so only its id counts.",
  type: "object",
  properties: {
    id: {
      type: "string",
      pattern: "^evt_\\w{1,250}$",
      description: "The event. It is worked once.",
      examples: ["evt_1T9x2kATHKHpwoLy4cQm8WdZ"],
    },
    type: text("What happened.", "payment_intent.succeeded"),
    created: { type: "number", description: "When, in seconds since 1970.", examples: [1_773_480_413] },
    data: {
      description: "What it happened to. Of `object` only the id is read; an event without one is noted.",
      examples: [{ object: { id: "pi_3T9x2jATHKHpwoLy1R7vN3bK" } }],
    },
  },
  required: ["id", "type", "created"],
};

/** The webhook of a provider, as its declaration has it. */
function webhook(): Operation {
  const { name, summary, errors, response } = stripeWebhook.declaration;
  const { $schema: _dialect, ...answer } = toJSONSchema(response) as Schema & { $schema?: string };
  return {
    operationId: `${name}_webhook`,
    tags: ["Webhook"],
    summary,
    description:
      "Stripe posts here; nobody else can. The signature is over the body as it was sent, and its stamp must be within five minutes. An event is stored before it is worked and worked once, whatever is sent how often; any answer but 200 makes Stripe send it again. A type that is not known is answered 200 and noted.",
    security: [{}],
    parameters: [
      {
        name: "stripe-signature",
        in: "header",
        required: true,
        description:
          "Proves that Stripe sent it: `t=<seconds>,v1=<HMAC-SHA256 of t, a dot and the body, in hex>`.",
        schema: { type: "string" },
      },
    ],
    requestBody: { required: true, content: json(event) },
    responses: { ...success(answer), ...failures(["body_too_large", "unknown", "unavailable", ...errors]) },
  };
}

/** The paths that are no methods. */
export const SERVICE_PATHS: Readonly<Record<string, PathItem>> = {
  "/1/webhook/stripe": { post: webhook() },
  "/.well-known/jwks.json": { get: keys },
  "/health": {
    get: { operationId: "get_health", ...health },
    head: {
      operationId: "head_health",
      ...health,
    },
  },
};
