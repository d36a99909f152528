import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { buildDocument } from "#tools/openapi/document.ts";
import { resolve } from "#tools/openapi/read.ts";
import type { Header, Operation, Response, Schema } from "#tools/openapi/types.ts";

/** The OpenAPI document. Every response in a test must match it. */
export const openApiDocument = await buildDocument();

const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: true });
addFormats.default(ajv);
ajv.addSchema(openApiDocument, "nest");

const validators = new Map<object, ValidateFunction>();

/** Compiles a schema of the document, once per schema. */
function validatorOf(schema: object): ValidateFunction {
  const known = validators.get(schema);
  if (known) return known;
  const made = ajv.compile(
    JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"nest#/components/')),
  );
  validators.set(schema, made);
  return made;
}

/** A response with its request. */
export interface SeenAnswer {
  verb: string;
  path: string;
  status: number;
  headers: Readonly<Record<string, string>>;
  /** Parsed JSON; undefined if the response has no body. */
  body: unknown;
}

function responsesOf(verb: string, path: string): Operation["responses"] {
  const item = openApiDocument.paths[path];
  // Methods are case-sensitive (RFC 9110, section 9.1).
  const operation = verb === verb.toUpperCase() ? item?.[verb.toLowerCase() as "post"] : undefined;
  return operation?.responses ?? openApiDocument["x-unmatched"].responses;
}

/**
 * Checks the status, headers and body of a response against the document.
 * @throws Error if the document does not allow the response
 */
export function requireDeclared(answer: SeenAnswer): void {
  const fault = faultOf(answer);
  if (fault === null) return;
  const { verb, path, status, body } = answer;
  throw new Error(`${verb} ${path} answered ${status} ${JSON.stringify(body)}: ${fault}`);
}

function faultOf({ verb, path, status, headers, body }: SeenAnswer): string | null {
  if (verb === "OPTIONS" && status === 204) return null;
  const documented = responsesOf(verb, path)[status];
  if (!documented) return "the OpenAPI document has no such status";
  const response = resolve<Response>(openApiDocument, documented);
  const media = response.content?.["application/json"];
  return headerFaultOf(response, headers) ?? (verb === "HEAD" ? null : bodyFaultOf(media?.schema, body));
}

function bodyFaultOf(schema: Schema | undefined, body: unknown): string | null {
  if (!schema) return body === undefined ? null : "the OpenAPI document has no body for this status";
  const fits = validatorOf(schema);
  return fits(body) ? null : ajv.errorsText(fits.errors);
}

function headerFaultOf({ headers }: Response, seen: SeenAnswer["headers"]): string | null {
  for (const [name, documented] of Object.entries(headers)) {
    const { schema } = resolve<Header>(openApiDocument, documented);
    const raw = seen[name];
    if (raw === undefined) return `the header ${name} is missing`;
    const fits = validatorOf(schema);
    if (!fits(schema.type === "integer" ? Number(raw) : raw))
      return `${name}: ${ajv.errorsText(fits.errors)}`;
  }
  return null;
}
