import { ERRORS, type ErrorCode } from "#core/errors.ts";
import { BEARER_REASONS } from "#core/sessions/access_token.ts";
import { DOMAIN_STARTS_WITH_DOT, MISSING_DOMAIN } from "#core/users/address.ts";
import { RULES } from "#entry/validation.ts";
import type { Schema } from "#tools/openapi/types.ts";

/** What an error carries beside its code. */
interface Carried {
  /** One sentence for the pages. */
  says: string;
  /** The fields of `meta`, all of them always there. */
  meta?: Readonly<Record<string, Schema>>;
  /** Of each entry of `reasons`. */
  reason?: Schema;
  example: { meta?: unknown; reasons?: unknown };
}

const object = (properties: Readonly<Record<string, Schema>>): Schema => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});

const failing: Readonly<Record<string, Schema>> = {
  path: {
    description: "Where it is: names of fields, and places in lists. Empty for the body itself.",
    type: "array",
    items: { anyOf: [{ type: "string" }, { type: "integer" }] },
  },
  message: { description: "What is wrong, for a person.", type: "string" },
  name: { description: "The rule that failed, in JSON Schema's words.", type: "string", enum: RULES },
};
const missing = { path: [], message: 'requires property "client_id"', name: "required" };

/** The errors that carry more than their code. */
export const CARRIED: Readonly<Partial<Record<ErrorCode, Carried>>> = {
  validation_failed: {
    says: "`reasons` has one entry for each failing field, each with `meta.path`, `meta.message` and `meta.name`; the first of them is repeated in `meta`.",
    meta: failing,
    reason: object({ code: { type: "string", const: "validation_failed" }, meta: object(failing) }),
    example: { meta: missing, reasons: [{ code: "validation_failed", meta: missing }] },
  },
  unauthorized: {
    says: `\`reasons\` has one entry, whose \`code\` is one of ${BEARER_REASONS.map((reason) => `\`${reason}\``).join(", ")}. The answer has \`WWW-Authenticate: Bearer error="invalid_token"\`.`,
    reason: object({ code: { type: "string", enum: BEARER_REASONS } }),
    example: { reasons: [{ code: "token_expired" }] },
  },
  invalid_email: {
    says: "`meta.message`, one of two texts that the desktop app compares.",
    meta: { message: { type: "string", enum: [MISSING_DOMAIN, DOMAIN_STARTS_WITH_DOT] } },
    example: { meta: { message: MISSING_DOMAIN } },
  },
  rate_limited: {
    says: "`Retry-After`, and the same number of seconds in `meta.retry_after`.",
    meta: { retry_after: { description: "Seconds.", type: "integer", minimum: 1 } },
    example: { meta: { retry_after: 540 } },
  },
  unavailable: { says: "`Retry-After`.", example: {} },
  body_too_large: {
    says: "`meta.limit`, in bytes: 65,536, and 1,048,576 for webhooks.",
    meta: { limit: { description: "Bytes.", type: "integer" } },
    example: { meta: { limit: 65_536 } },
  },
  unknown: {
    says: "`meta.request_id` and nothing else; the log has the rest under that id.",
    meta: { request_id: { type: "string" } },
    example: { meta: { request_id: "5f7c1e0a-8a53-4c0e-9a51-0f2b6f8f7f11" } },
  },
  malformed_url: {
    says: "`meta.path`.",
    meta: { path: { type: "string" } },
    example: { meta: { path: "/1/2021-10-06/" } },
  },
  unknown_version: {
    says: "`meta.supported_version`.",
    meta: { supported_version: { type: "string", const: "1" } },
    example: { meta: { supported_version: "1" } },
  },
  method_not_supported: {
    says: "`Allow`, and the same in `meta.allow`.",
    meta: { allow: { type: "string" } },
    example: { meta: { allow: "POST, OPTIONS" } },
  },
  subscription_not_valid: {
    says: "`meta.status`, as Stripe has it.",
    meta: { status: { type: "string" } },
    example: { meta: { status: "sleeping" } },
  },
};

/** The schema's name of an error: `token_expired` is `TokenExpired`. */
export function errorSchemaName(code: ErrorCode): string {
  return code.replace(/(?:^|_)(\w)/g, (_match, letter: string) => letter.toUpperCase());
}

/** The schema of an error's body. */
export function errorSchema(code: ErrorCode): Schema {
  const { meta, reason } = CARRIED[code] ?? {};
  const isLong = code === "validation_failed";
  return {
    description: ERRORS[code][1],
    ...object({
      code: { type: "string", const: code },
      ...(meta ? { meta: object(meta) } : {}),
      ...(reason
        ? { reasons: { type: "array", items: reason, minItems: 1, ...(isLong ? {} : { maxItems: 1 }) } }
        : {}),
    }),
  };
}

/** The body of an error, as an example. */
export function errorExample(code: ErrorCode): Record<string, unknown> {
  return { code, ...CARRIED[code]?.example };
}
