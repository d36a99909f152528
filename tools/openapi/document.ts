import { ERRORS, type ErrorCode } from "#core/errors.ts";
import { VERSIONS } from "#core/versions.ts";
import { loadMethods } from "#routes.ts";
import { errorExample, errorSchema, errorSchemaName } from "#tools/openapi/error_bodies.ts";
import { FIELDS } from "#tools/openapi/fields.ts";
import { describeMethod } from "#tools/openapi/method_operations.ts";
import { errorResponses, failures, HEADERS } from "#tools/openapi/responses.ts";
import { usedFields } from "#tools/openapi/schema.ts";
import { SERVICE_PATHS } from "#tools/openapi/service_operations.ts";
import type { OpenApiDocument } from "#tools/openapi/types.ts";

/** Paragraphs and lists of plain Markdown; the reference page shows no more of it than backticks. */
const INTRODUCTION = `Nest signs people in with mailed links and sells them subscriptions. It speaks JSON over HTTPS.

A method is called by \`POST /1/<date>/<method>\` with a JSON object; one that takes no field takes \`{}\`. A field that a method does not name is refused. A date has every method of the earlier dates unless it replaces them, so a client picks one date and stays with it. What is published never changes under its date; new fields in answers come under a new one.

A moment is an ISO 8601 string in UTC with milliseconds. An id is an opaque string.

\`authorization\` is \`bearer <access token>\` or \`internal <key>\`. One that is present is verified by every method, those that need none included: \`unauthorized\` says that a credential is not good (refresh the token and ask again), \`access_denied\` that one is missing or may not do this.

An error has a fitting status and the body \`{"code", "meta"?, "reasons"?}\`. Branch on \`code\`; it never changes once published.

A call is answered within 4.5 seconds. A body may have 64 KiB.

Pages in a browser may call from the origins of the client they belong to; the answer to their preflight says so. Nothing is ever redirected.

Four answers are not ours but API Gateway's, and have the body \`{"message"}\`: 429 when it throttles, 413 for a body over 10 MB, 503 or 504 when a function does not answer, 500 when it crashes. Treat one as \`unavailable\`.`;

const TAGS: OpenApiDocument["tags"] = [
  { name: "Sign-in", description: "From an address to tokens, to new tokens, to nothing." },
  { name: "Sessions", description: "Where a person is signed in." },
  { name: "Account", description: "What is known of a person, and what they agreed to." },
  { name: "Subscription", description: "Trials and what was paid for." },
  { name: "News", description: "What the app shows." },
  { name: "Webhook", description: "What other services call." },
  { name: "Service", description: "What is not about a person." },
];

/** What the `$default` route answers. */
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
    description:
      "A person's access token. A method that names a `user_id` takes the token of that user and no other.",
  },
  internal: {
    type: "apiKey",
    in: "header",
    name: "authorization",
    description: "`internal <key>`: our own services, which may name any user.",
  },
};

const allErrors = Object.keys(ERRORS) as ErrorCode[];

/** The errors whose answers a part of the document refers to. */
const referred = (part: string) =>
  allErrors.filter((code) => part.includes(`"#/components/responses/${code}"`));

/**
 * The OpenAPI 3.1 document of everything there is to call, made from the declarations.
 * @throws Error if a field or a method has no words, or words have no field
 */
export async function buildDocument(): Promise<OpenApiDocument> {
  const methods = await Promise.all((await loadMethods()).map(describeMethod));
  const dead = Object.keys(FIELDS).filter((name) => !usedFields.has(name));
  if (dead.length > 0)
    throw new Error(`tools/openapi/fields.ts describes what no method has: ${dead.join(", ")}.`);
  const unmatched = failures(UNMATCHED);
  const byPath = ([one]: [string, unknown], [other]: [string, unknown]) => one.localeCompare(other);
  return {
    openapi: "3.1.0",
    info: {
      title: "Nest",
      version: VERSIONS.at(-1) ?? "",
      summary: "Signs people in with mailed links and sells them subscriptions.",
      description: INTRODUCTION,
    },
    servers: [
      { url: "https://nest.getbeak.app", description: "Production" },
      { url: "https://nest.nonprod-getbeak.app", description: "Trying things out" },
      { url: "http://localhost:3000", description: "`npm start` on your machine" },
    ],
    tags: TAGS,
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
      description: "What any other path or verb is answered with; `OPTIONS` on the path of a method is 204.",
      responses: unmatched,
    },
  };
}
