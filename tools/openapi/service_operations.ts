import { toJSONSchema } from "zod";
import { handler as stripeWebhook } from "#callbacks/stripe_webhook.ts";
import type { ErrorCode } from "#core/errors.ts";
import { OAUTH_PATHS } from "#tools/openapi/oauth_operations.ts";
import { failures, json, success } from "#tools/openapi/responses.ts";
import type { Operation, PathItem, Schema } from "#tools/openapi/types.ts";

/** The error of a function that failed to start. */
const BROKEN: readonly ErrorCode[] = ["unknown"];

const text = (description: string, example: string): Schema => ({
  type: "string",
  description,
  examples: [example],
});

const publicKey: Record<string, Schema> = {
  kty: { type: "string", const: "EC" },
  crv: { type: "string", const: "P-256" },
  x: text(
    "A coordinate of the public key, unpadded base64url.",
    "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
  ),
  y: text(
    "A coordinate of the public key, unpadded base64url.",
    "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
  ),
  kid: text("The key's id, which the header of a token names.", "2026-03-14-f83OJ3D2"),
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
  summary: "Reports that the API responds.",
  description: "Calls neither the database nor another service, so it does not report their state.",
  security: [{}],
  responses: {
    ...success(closed({ status: { type: "string", const: "ok" } })),
    ...failures(BROKEN),
  },
};

const keys: Operation = {
  operationId: "get_jwks",
  tags: ["Service"],
  summary: "Lists the public keys that verify access tokens and entitlements.",
  description:
    "A JWK set (RFC 7517). A key is published an hour before it signs anything and until everything it signed has expired, so the set may be cached for five minutes.",
  security: [{}],
  responses: {
    ...success(closed({ keys: { type: "array", items: closed(publicKey) } }), { names: ["cache-control"] }),
    ...failures(BROKEN),
  },
};

/** A Stripe event, with only the fields that Nest reads. */
const event: Schema = {
  description:
    "An event as Stripe sends it. Nest reads only the object's id and fetches the object from Stripe again.",
  type: "object",
  properties: {
    id: {
      type: "string",
      pattern: "^evt_\\w{1,250}$",
      description: "The event's id. Nest processes each id once.",
      examples: ["evt_1T9x2kATHKHpwoLy4cQm8WdZ"],
    },
    type: text("The type of the event.", "payment_intent.succeeded"),
    created: {
      type: "number",
      description: "When the event was created, in seconds since 1970.",
      examples: [1_773_480_413],
    },
    data: {
      description:
        "The object that changed. Nest reads only its id; an event whose object has no id is recorded and ignored.",
      examples: [{ object: { id: "pi_3T9x2jATHKHpwoLy1R7vN3bK" } }],
    },
  },
  required: ["id", "type", "created"],
};

/** The operation of Stripe's webhook, from its declaration. */
function webhook(): Operation {
  const { name, summary, errors, response } = stripeWebhook.declaration;
  const { $schema: _dialect, ...answer } = toJSONSchema(response) as Schema & { $schema?: string };
  return {
    operationId: `${name}_webhook`,
    tags: ["Webhook"],
    summary,
    description:
      "Only Stripe can call this endpoint. The signature covers the raw body, and its timestamp must be at most five minutes old. Nest stores an event before it processes it, and processes it once, however often Stripe delivers it. Stripe retries after any response other than 200. An event of an unknown type is recorded and answered with 200.",
    security: [{}],
    parameters: [
      {
        name: "stripe-signature",
        in: "header",
        required: true,
        description:
          "Proves that Stripe sent the event: `t=<seconds>,v1=<HMAC-SHA256 of t, a dot and the body, in hex>`.",
        schema: { type: "string" },
      },
    ],
    requestBody: { required: true, content: json(event) },
    responses: { ...success(answer), ...failures(["body_too_large", "unknown", "unavailable", ...errors]) },
  };
}

/** The paths that are not methods. */
export const SERVICE_PATHS: Readonly<Record<string, PathItem>> = {
  "/1/webhook/stripe": { post: webhook() },
  "/.well-known/jwks.json": { get: keys },
  ...OAUTH_PATHS,
  "/health": {
    get: { operationId: "get_health", ...health },
    head: {
      operationId: "head_health",
      ...health,
    },
  },
};
