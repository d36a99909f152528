import { CAPTCHA_PROVIDERS } from "#core/app/captcha_settings.ts";
import { MFA_FACTORS } from "#core/app/mfa_settings.ts";
import { ERRORS } from "#core/error_codes.ts";
import type { ErrorCode } from "#core/errors.ts";
import { PASSWORD_REASONS } from "#core/passwords/password_reasons.ts";
import { URL_PROBLEMS } from "#core/services/receiver_hosts.ts";
import { BEARER_REASONS } from "#core/sessions/access_token.ts";
import { DOMAIN_STARTS_WITH_DOT, MISSING_DOMAIN } from "#core/users/address.ts";
import { INVALID_IDENTIFIER_MESSAGES, NOT_A_PHONE_NUMBER } from "#core/users/identifier_messages.ts";
import { LISTED_FAILURES, RULES } from "#entry/validation.ts";
import { MFA_TOKEN } from "#tools/openapi/mfa_fields.ts";
import type { Schema } from "#tools/openapi/types.ts";

/** What an error carries in addition to its code. */
interface Carried {
  /** For docs/errors.md. */
  description: string;
  /** The fields of `meta`; all of them are always present. */
  meta?: Readonly<Record<string, Schema>>;
  /** The fields of `meta` that are present only in some responses. */
  optionalMeta?: Readonly<Record<string, Schema>>;
  /** The schema of each entry of `reasons`. */
  reason?: Schema;
  /** The most entries of `reasons`; 1 by default. */
  mostReasons?: number;
  example: { meta?: unknown; reasons?: unknown };
}

const object = (
  properties: Readonly<Record<string, Schema>>,
  optional: Readonly<Record<string, Schema>> = {},
): Schema => ({
  type: "object",
  properties: { ...properties, ...optional },
  required: Object.keys(properties),
  additionalProperties: false,
});

const failing: Readonly<Record<string, Schema>> = {
  path: {
    description: "The path of the field: field names and list indexes. Empty for the body itself.",
    type: "array",
    items: { anyOf: [{ type: "string" }, { type: "integer" }] },
  },
  message: { description: "What is wrong, for a human reader.", type: "string" },
  name: { description: "The JSON Schema keyword of the rule that failed.", type: "string", enum: RULES },
};
const PORTAL_URL = "https://billing.stripe.com/p/session/test_YWNjdF8x";
const PORTAL: Readonly<Record<string, Schema>> = {
  billing_portal_url: {
    description: "A short-lived credential: open it, do not store it.",
    type: ["string", "null"],
  },
};
const missing = { path: [], message: 'requires property "client_id"', name: "required" };

const CHALLENGE: Readonly<Record<string, Schema>> = {
  mfa_token: { description: "A credential: do not store it.", type: "string" },
  expires_at: { type: "string", format: "date-time" },
};
const CHALLENGE_EXAMPLE = { mfa_token: MFA_TOKEN, expires_at: "2026-03-14T09:36:53.589Z" };

/** The errors that carry `meta`, `reasons` or a header in addition to their code. */
export const CARRIED: Readonly<Partial<Record<ErrorCode, Carried>>> = {
  validation_failed: {
    description:
      "`reasons` has one entry for each invalid field, at most 20, with `meta.path`, `meta.message` and `meta.name`. `meta` repeats the first entry. If fields are not listed, `meta.more` is their number.",
    meta: failing,
    optionalMeta: {
      more: { description: "How many invalid fields are not listed.", type: "integer", minimum: 1 },
    },
    reason: object({ code: { type: "string", const: "validation_failed" }, meta: object(failing) }),
    mostReasons: LISTED_FAILURES,
    example: { meta: missing, reasons: [{ code: "validation_failed", meta: missing }] },
  },
  unauthorized: {
    description: `\`reasons\` has one entry, whose \`code\` is one of ${BEARER_REASONS.map((reason) => `\`${reason}\``).join(", ")}. The response has the header \`WWW-Authenticate: Bearer error="invalid_token"\`.`,
    reason: object({ code: { type: "string", enum: BEARER_REASONS } }),
    example: { reasons: [{ code: "token_expired" }] },
  },
  webhook_url_not_allowed: {
    description: `\`reasons\` has one entry, whose \`code\` is one of ${URL_PROBLEMS.map((problem) => `\`${problem}\``).join(", ")}.`,
    reason: object({ code: { type: "string", enum: URL_PROBLEMS } }),
    example: { reasons: [{ code: "not_public" }] },
  },
  invalid_email: {
    description: "`meta.message`, one of two texts. The desktop app compares them, so they never change.",
    meta: { message: { type: "string", enum: [MISSING_DOMAIN, DOMAIN_STARTS_WITH_DOT] } },
    example: { meta: { message: MISSING_DOMAIN } },
  },
  invalid_identifier: {
    description: "`meta.message`, one of four texts for developers.",
    meta: { message: { type: "string", enum: INVALID_IDENTIFIER_MESSAGES } },
    example: { meta: { message: NOT_A_PHONE_NUMBER } },
  },
  password_not_acceptable: {
    description: `\`reasons\` has one entry for each reason, whose \`code\` is one of ${PASSWORD_REASONS.map((reason) => `\`${reason}\``).join(", ")}. \`too_short\` has \`meta.minimum\`, \`too_long\` has \`meta.maximum\`, in characters. \`breached\`: the password is known from a breach or very common. \`contextual\`: it contains the name of the app, or the name in an address.`,
    reason: object(
      { code: { type: "string", enum: PASSWORD_REASONS } },
      { meta: object({}, { minimum: { type: "integer" }, maximum: { type: "integer" } }) },
    ),
    mostReasons: PASSWORD_REASONS.length,
    example: { reasons: [{ code: "too_short", meta: { minimum: 15 } }] },
  },
  country_not_allowed: {
    description: "`meta.country`, the country of the phone number (ISO 3166-1).",
    meta: { country: { type: "string" } },
    example: { meta: { country: "FR" } },
  },
  mfa_required: {
    description:
      "`meta.mfa_token`, which the grant `mfa` takes until `meta.expires_at`, and `meta.factors`, the factors that can be presented with it. A recovery code can be presented as well.",
    meta: {
      ...CHALLENGE,
      factors: {
        type: "array",
        items: object({
          id: { type: "string" },
          factor_type: { type: "string", enum: [...MFA_FACTORS] },
          hint: { type: ["string", "null"] },
        }),
      },
    },
    example: {
      meta: {
        ...CHALLENGE_EXAMPLE,
        factors: [{ id: "mfafac_2hF4hQv8WbZr1Ym6Kc3Td0Ls9Xp", factor_type: "totp", hint: null }],
      },
    },
  },
  mfa_enrollment_required: {
    description:
      "`meta.mfa_token`, which `create_mfa_factor` and `verify_mfa_factor` take until `meta.expires_at`, and no other method.",
    meta: CHALLENGE,
    example: { meta: CHALLENGE_EXAMPLE },
  },
  mfa_confirmation_required: {
    description: "`meta.clients`, the names of the clients that can't sign the user in any more.",
    meta: { clients: { type: "array", items: { type: "string" } } },
    example: { meta: { clients: ["Desktop"] } },
  },
  captcha_required: {
    description: "`meta.provider`, the service whose CAPTCHA the client uses.",
    meta: { provider: { type: "string", enum: [...CAPTCHA_PROVIDERS] } },
    example: { meta: { provider: "turnstile" } },
  },
  rate_limited: {
    description: "The header `Retry-After`; `meta.retry_after` repeats its number of seconds.",
    meta: { retry_after: { description: "Seconds to wait before retrying.", type: "integer", minimum: 1 } },
    example: { meta: { retry_after: 540 } },
  },
  unavailable: { description: "The header `Retry-After`.", example: {} },
  payment_required: {
    description:
      "`meta.billing_portal_url`, a link to Stripe's billing portal, where the user pays. It is null if Stripe does not respond in time.",
    meta: PORTAL,
    example: { meta: { billing_portal_url: PORTAL_URL } },
  },
  subscription_ending: {
    description:
      "`meta.billing_portal_url`, a link to Stripe's billing portal, where the user renews the subscription. It is null if Stripe does not respond in time.",
    meta: PORTAL,
    example: { meta: { billing_portal_url: PORTAL_URL } },
  },
  invalid_checkout_url: {
    description:
      "`meta.field`, the field with the URL. The allowed URLs are the `checkoutUrls` of the client in the app file; a query and a fragment may be added to them.",
    meta: { field: { type: "string", enum: ["success_url", "cancel_url"] } },
    example: { meta: { field: "success_url" } },
  },
  body_too_large: {
    description: "`meta.limit`, the limit in bytes: 65,536 for methods, 1,048,576 for webhooks.",
    meta: { limit: { description: "The limit in bytes.", type: "integer" } },
    example: { meta: { limit: 65_536 } },
  },
  unknown: {
    description: "`meta.request_id`. The log has the details under this id.",
    meta: { request_id: { type: "string" } },
    example: { meta: { request_id: "5f7c1e0a-8a53-4c0e-9a51-0f2b6f8f7f11" } },
  },
  malformed_url: {
    description: "`meta.path`, the path of the request.",
    meta: { path: { type: "string" } },
    example: { meta: { path: "/1/2021-10-06/" } },
  },
  unknown_version: {
    description: "`meta.supported_version`, the only major version.",
    meta: { supported_version: { type: "string", const: "1" } },
    example: { meta: { supported_version: "1" } },
  },
  method_not_supported: {
    description: "The header `Allow`; `meta.allow` repeats it.",
    meta: { allow: { type: "string" } },
    example: { meta: { allow: "POST, OPTIONS" } },
  },
  subscription_not_valid: {
    description: "`meta.status`, the status of the subscription in Stripe.",
    meta: { status: { type: "string" } },
    example: { meta: { status: "sleeping" } },
  },
};

/** The name of an error's schema: `token_expired` is `TokenExpired`. */
export function errorSchemaName(code: ErrorCode): string {
  return code.replace(/(?:^|_)(\w)/g, (_match, letter: string) => letter.toUpperCase());
}

/** The schema of an error's body. */
export function errorSchema(code: ErrorCode): Schema {
  const { meta, optionalMeta, reason, mostReasons = 1 } = CARRIED[code] ?? {};
  return {
    description: ERRORS[code][1],
    ...object({
      code: { type: "string", const: code },
      ...(meta ? { meta: object(meta, optionalMeta) } : {}),
      ...(reason ? { reasons: { type: "array", items: reason, minItems: 1, maxItems: mostReasons } } : {}),
    }),
  };
}

/** A sample body of an error. */
export function errorExample(code: ErrorCode): Record<string, unknown> {
  return { code, ...CARRIED[code]?.example };
}
