import { ERRORS } from "#core/error_codes.ts";
import type { ErrorCode } from "#core/errors.ts";
import { errorSchemaName } from "#tools/openapi/error_bodies.ts";
import { exampleOf } from "#tools/openapi/schema.ts";
import type { Header, MediaType, Reference, Response, Responses, Schema } from "#tools/openapi/types.ts";

export const HEADERS: Readonly<Record<string, Header>> = {
  "beak-time": {
    description: "The server's time.",
    required: true,
    schema: { type: "string", format: "date-time", examples: ["2026-03-14T09:26:53.589Z"] },
  },
  "request-id": {
    description: "The id of this call in the server's log.",
    required: true,
    schema: { type: "string", minLength: 1, examples: ["5f7c1e0a-8a53-4c0e-9a51-0f2b6f8f7f11"] },
  },
  "retry-after": {
    description: "Seconds to wait before retrying.",
    required: true,
    schema: { type: "integer", minimum: 1, examples: [540] },
  },
  "www-authenticate": {
    description:
      "The reason for a 401 (RFC 6750, section 3). Without `error`, the request was refused for another reason than its token.",
    required: true,
    schema: { type: "string", enum: ['Bearer error="invalid_token"', "Bearer"] },
  },
  allow: {
    description: "The HTTP methods that the path accepts.",
    required: true,
    schema: { type: "string", examples: ["POST, OPTIONS"] },
  },
  "cache-control": {
    description: "How long the response may be cached. All other responses have `no-store`.",
    required: true,
    schema: { type: "string", const: "public, max-age=300" },
  },
};

/** Headers that every response with a status has, in addition to the common ones. */
const HEADERS_OF_STATUS: Readonly<Record<number, readonly string[]>> = {
  401: ["www-authenticate"],
  405: ["allow"],
  429: ["retry-after"],
  503: ["retry-after"],
};

function headers(names: readonly string[] = []): Record<string, Reference> {
  return Object.fromEntries(
    ["beak-time", "request-id", ...names].map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  );
}

/** A JSON body. Without `examples`, an example is built from the examples of its fields. */
export function json(schema: Schema, examples?: MediaType["examples"]): { "application/json": MediaType } {
  return { "application/json": { schema, examples: examples ?? { whole: { value: exampleOf(schema) } } } };
}

/**
 * The successful response: 200 with a body, or 204 without.
 * @param schema of the body; null for 204
 * @param options `reference` replaces the schema in the document, `names` are additional headers
 */
export function success(
  schema: Schema | null,
  { reference = schema, names = [] }: { reference?: Schema | null; names?: readonly string[] } = {},
): Responses {
  if (!schema || !reference)
    return { 204: { description: "Success, without a body.", headers: headers(names) } };
  const examples = { whole: { value: exampleOf(schema) } };
  return { 200: { description: "Success.", headers: headers(names), content: json(reference, examples) } };
}

const schemaOf = (code: ErrorCode) => `#/components/schemas/${errorSchemaName(code)}`;

/** The body of a response that carries one of these errors, discriminated by `code`. */
function anyOfErrors(codes: readonly ErrorCode[]): Schema {
  const [only] = codes;
  if (codes.length === 1 && only) return { $ref: schemaOf(only) };
  return {
    oneOf: codes.map((code) => ({ $ref: schemaOf(code) })),
    discriminator: {
      propertyName: "code",
      mapping: Object.fromEntries(codes.map((code) => [code, schemaOf(code)])),
    },
  };
}

function failure(status: number, codes: readonly ErrorCode[]): Response {
  return {
    description: codes.map((code) => `- \`${code}\`: ${ERRORS[code][1]}`).join("\n"),
    headers: headers(HEADERS_OF_STATUS[status]),
    content: json(
      anyOfErrors(codes),
      Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }])),
    ),
  };
}

/** The responses of these errors, by status. A status with a single error references `components.responses`. */
export function failures(codes: readonly ErrorCode[]): Responses {
  const byStatus = Map.groupBy(new Set(codes), (code) => ERRORS[code][0]);
  const answers = [...byStatus].map(([status, these]): [string, Response | Reference] => [
    String(status),
    these.length === 1 ? { $ref: `#/components/responses/${these[0]}` } : failure(status, these),
  ]);
  return Object.fromEntries(answers.sort(([one], [other]) => one.localeCompare(other)));
}

/** The entries of `components.responses` that `failures` references. */
export function errorResponses(codes: readonly ErrorCode[]): Record<string, Response> {
  return Object.fromEntries(codes.map((code) => [code, failure(ERRORS[code][0], [code])]));
}
