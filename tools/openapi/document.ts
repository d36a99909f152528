import app from "#app";
import { ERRORS } from "#core/error_codes.ts";
import type { ErrorCode } from "#core/errors.ts";
import { PREVIEW_VERSION, VERSIONS } from "#core/versions.ts";
import { loadMethods } from "#routes.ts";
import { errorExample, errorSchema, errorSchemaName } from "#tools/openapi/error_bodies.ts";
import { FIELDS } from "#tools/openapi/fields.ts";
import { GROUPS } from "#tools/openapi/groups.ts";
import { describeMethod } from "#tools/openapi/method_operations.ts";
import { errorResponses, failures, HEADERS } from "#tools/openapi/responses.ts";
import { usedFields } from "#tools/openapi/schema.ts";
import { SERVICE_PATHS } from "#tools/openapi/service_operations.ts";
import type { OpenApiDocument } from "#tools/openapi/types.ts";

const INTRODUCTION = `Nest signs users in with magic links and sells them subscriptions through Stripe. It speaks JSON over HTTPS.

Call a method with \`POST /1/<date>/<method>\` and a JSON object; a method without fields takes \`{}\`. A field that the method does not declare is refused. A date serves every method of the earlier dates unless it replaces the method, so a client picks one date and keeps it. A published method never changes under its date; new response fields are added under a new date. The date ${PREVIEW_VERSION} is a preview: until it is published, its own methods may change.

A timestamp is an ISO 8601 string in UTC with milliseconds. An id is an opaque string.

The header \`authorization\` is \`bearer <access token>\` or \`internal <key>\`. Every method verifies a credential that is present, even if the method does not require one. \`unauthorized\` means that the credential is invalid or expired: refresh the token and retry. \`access_denied\` means that the credential is missing or does not permit the call; only \`start_oauth\` with the intent \`link\` reports a missing credential as \`unauthorized\`.

An error has a matching status and the body \`{"code", "meta"?, "reasons"?}\`. Branch on \`code\`; a published code never changes.

Nest responds to a call within 4.5 seconds. A body may have at most 64 KiB.

A web page may call from the origins of its OAuth client; the response to its preflight request allows them. The API never redirects.

Four responses come from API Gateway instead of Nest and have the body \`{"message"}\`: 429 if it throttles, 413 for a body over 10 MB, 503 or 504 if a function does not respond, 500 if it crashes. Treat each like \`unavailable\`.`;

/** The errors that the `$default` route returns. */
const UNMATCHED: readonly ErrorCode[] = [
  "not_found",
  "malformed_url",
  "unknown_version",
  "version_not_supported",
  "unknown_webhook_provider",
  "method_not_supported",
  "unknown",
];

const SECURITY_SCHEMES: OpenApiDocument["components"]["securitySchemes"] = {
  bearer: {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: "A user's access token. `x-callers` of each method says which users may call it.",
  },
  internal: {
    type: "apiKey",
    in: "header",
    name: "authorization",
    description:
      "`internal <key>`: for the operator's own services, which may call every method that lists this scheme.",
  },
};

const allErrors = Object.keys(ERRORS) as ErrorCode[];

/** The errors whose responses a part of the document references. */
const referred = (part: string) =>
  allErrors.filter((code) => part.includes(`"#/components/responses/${code}"`));

/**
 * Builds the OpenAPI 3.1 document of the whole API from the declarations.
 * @throws Error if a field has no description, a method has no group, or a description has no field
 */
export async function buildDocument(): Promise<OpenApiDocument> {
  const methods = await Promise.all((await loadMethods()).map(describeMethod));
  const dead = Object.keys(FIELDS).filter((name) => !usedFields.has(name));
  if (dead.length > 0)
    throw new Error(
      `tools/openapi/fields.ts describes fields that no method has: ${dead.join(", ")}. Remove them.`,
    );
  const unmatched = failures(UNMATCHED);
  const byPath = ([one]: [string, unknown], [other]: [string, unknown]) => one.localeCompare(other);
  return {
    openapi: "3.1.0",
    info: {
      title: "Nest",
      version: VERSIONS.at(-1) ?? "",
      summary: "Signs users in with magic links and sells them subscriptions through Stripe.",
      description: INTRODUCTION,
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [
      { url: app.urls.api.prod, description: "Production" },
      { url: app.urls.api.nonprod, description: "Test environment" },
      { url: "http://localhost:3000", description: "The local stack (`npm start`)" },
    ],
    tags: Object.values(GROUPS),
    paths: {
      ...Object.fromEntries(methods.flatMap(({ paths }) => Object.entries(paths)).sort(byPath)),
      ...SERVICE_PATHS,
    },
    components: {
      schemas: Object.fromEntries([
        ...methods.flatMap(({ schemas }) => Object.entries(schemas)),
        ...allErrors.map((code) => [errorSchemaName(code), errorSchema(code)]),
      ]),
      responses: errorResponses(referred(JSON.stringify([methods, SERVICE_PATHS, unmatched]))),
      examples: Object.fromEntries(
        allErrors.map((code) => [code, { summary: ERRORS[code][1], value: errorExample(code) }]),
      ),
      headers: HEADERS,
      securitySchemes: SECURITY_SCHEMES,
    },
    "x-unmatched": {
      description:
        "The responses of every other path or HTTP method. `OPTIONS` on the path of a method returns 204.",
      responses: unmatched,
    },
  };
}
