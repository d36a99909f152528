import { ERRORS, type ErrorCode } from "#core/errors.ts";
import { errorSchemaName } from "#tools/openapi/error_bodies.ts";
import { exampleOf } from "#tools/openapi/schema.ts";
import type { Header, MediaType, Reference, Response, Responses, Schema } from "#tools/openapi/types.ts";

export const HEADERS: Readonly<Record<string, Header>> = {
  "beak-time": {
    description: "The server's clock.",
    required: true,
    schema: { type: "string", format: "date-time", examples: ["2026-03-14T09:26:53.589Z"] },
  },
  "request-id": {
    description: "Names this call in the server's log.",
    required: true,
    schema: { type: "string", minLength: 1, examples: ["5f7c1e0a-8a53-4c0e-9a51-0f2b6f8f7f11"] },
  },
  "retry-after": {
    description: "Seconds to wait before asking again.",
    required: true,
    schema: { type: "integer", minimum: 1, examples: [540] },
  },
  "www-authenticate": {
    description: "RFC 6750, section 3.",
    required: true,
    schema: { type: "string", const: 'Bearer error="invalid_token"' },
  },
  allow: {
    description: "The verbs that the path takes.",
    required: true,
    schema: { type: "string", examples: ["POST, OPTIONS"] },
  },
  "cache-control": {
    description: "How long the answer may be kept; every other answer says `no-store`.",
    required: true,
    schema: { type: "string", const: "public, max-age=300" },
  },
};

/** Headers that an answer of a status always has beside the common ones. */
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

/** JSON of a schema, with an example made of its fields' examples. */
export function json(schema: Schema, examples?: MediaType["examples"]): { "application/json": MediaType } {
  return { "application/json": { schema, examples: examples ?? { whole: { value: exampleOf(schema) } } } };
}

/** 200 with a body, or 204 without. */
export function success(
  schema: Schema | null,
  { reference = schema, names = [] }: { reference?: Schema | null; names?: readonly string[] } = {},
): Responses {
  if (!schema || !reference)
    return { 204: { description: "Done; there is no body.", headers: headers(names) } };
  const examples = { whole: { value: exampleOf(schema) } };
  return { 200: { description: "Done.", headers: headers(names), content: json(reference, examples) } };
}

const schemaOf = (code: ErrorCode) => `#/components/schemas/${errorSchemaName(code)}`;

/** The body of an answer that has one of these errors: told apart by `code`. */
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

/** The answers that errors give, by their status. One that is of one error is kept once, in the components. */
export function failures(codes: readonly ErrorCode[]): Responses {
  const byStatus = Map.groupBy(new Set(codes), (code) => ERRORS[code][0]);
  const answers = [...byStatus].map(([status, these]): [string, Response | Reference] => [
    String(status),
    these.length === 1 ? { $ref: `#/components/responses/${these[0]}` } : failure(status, these),
  ]);
  return Object.fromEntries(answers.sort(([one], [other]) => one.localeCompare(other)));
}

/** The answers that `failures` refers to, of those of all errors that the document needs. */
export function errorResponses(codes: readonly ErrorCode[]): Record<string, Response> {
  return Object.fromEntries(codes.map((code) => [code, failure(ERRORS[code][0], [code])]));
}
