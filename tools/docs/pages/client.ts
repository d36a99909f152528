import { COMMON_ERRORS, type ErrorCode } from "#core/errors.ts";
import { VERSIONS } from "#core/versions.ts";
import { buildDocument } from "#tools/openapi/document.ts";
import { CARRIED, errorSchema } from "#tools/openapi/error_bodies.ts";
import { type DocumentedForm, formsOf } from "#tools/openapi/read.ts";
import type { Schema } from "#tools/openapi/types.ts";

export const path = "packages/client/src/methods.ts";

/** Fields that a client knows by itself: who it is, where links lead, who is signed in. */
const KNOWN = ["client_id", "redirect_uri", "user_id"];

const literal = (value: unknown) => JSON.stringify(value);
const comment = (text: string | undefined, indent: string) =>
  text ? `${indent}/** ${text.replaceAll("\n", " ").replaceAll("*/", "* /")} */\n` : "";

/** A schema as a TypeScript type. */
function typeOf(schema: Schema, indent: string): string {
  if (schema.anyOf) return schema.anyOf.map((shape) => typeOf(shape, indent)).join(" | ");
  if (schema.const !== undefined) return literal(schema.const);
  if (schema.enum) return schema.enum.map(literal).join(" | ");
  return [schema.type ?? "unknown"]
    .flat()
    .map((type) => {
      if (type === "array") return `Array<${typeOf(schema.items ?? {}, indent)}>`;
      if (type === "object") return objectType(schema, indent);
      return type === "integer" ? "number" : type;
    })
    .join(" | ");
}

function objectType({ properties = {}, required = [] }: Schema, indent: string): string {
  const inner = `${indent}  `;
  const fields = Object.entries(properties).map(([name, property]) => {
    const mark = required.includes(name) ? "" : "?";
    return `${comment(property.description, inner)}${inner}${name}${mark}: ${typeOf(property, inner)};\n`;
  });
  return `{\n${fields.join("")}${indent}}`;
}

/** The newest form of every method that a person's own program calls. */
function newestForms(forms: readonly DocumentedForm[]): DocumentedForm[] {
  const newest = new Map(forms.map((form) => [form.name, form]));
  const isForPeople = ({ operation }: DocumentedForm) =>
    !operation.deprecated && operation.security.some((scheme) => !("internal" in scheme));
  return [...newest.values()].filter(isForPeople).sort((one, other) => one.name.localeCompare(other.name));
}

/** One line of the table that the client reads at run time. */
function methodRow({ name, operation, request }: DocumentedForm): string {
  const bearer = operation.security.some((scheme) => "bearer" in scheme);
  const fills = KNOWN.filter((field) => request.properties && field in request.properties);
  return `  ${name}: { bearer: ${bearer}, fills: ${literal(fills)} },\n`;
}

function errorsRow({ name, errors }: DocumentedForm): string {
  const own = errors.map(({ code }) => code).filter((code) => !COMMON_ERRORS.includes(code));
  return `  ${name}: [${own.map((code) => `\n    ${literal(code)},`).join("")}${own.length > 0 ? "\n  " : ""}],\n`;
}

function errorBody(code: string): string {
  const { code: _code, ...properties } = errorSchema(code as ErrorCode).properties ?? {};
  return `  ${code}: ${objectType({ properties, required: Object.keys(properties) }, "  ")};\n`;
}

export async function render() {
  const forms = newestForms(formsOf(await buildDocument()));
  const each = (write: (form: DocumentedForm) => string) => forms.map(write).join("");
  const carrying = Object.keys(CARRIED).filter((code) =>
    [...COMMON_ERRORS, ...forms.flatMap(({ errors }) => errors.map((error) => error.code))].includes(
      code as ErrorCode,
    ),
  );
  return `// Made by \`node tools/docs/main.ts\` from the declarations of the methods. Change those, not this file.

/** The date that this client speaks. */
export const VERSION = ${literal(VERSIONS.at(-1))};

/** Each method: whether it needs a bearer, and which of its fields the client can fill in. */
export const METHODS = {
${each(methodRow)}} as const satisfies Record<
  string,
  { bearer: boolean; fills: readonly (${KNOWN.map(literal).join(" | ")})[] }
>;

export type Method = keyof typeof METHODS;

/** What any method may answer beside the errors of its own. */
export const COMMON_ERRORS = ${literal(COMMON_ERRORS)} as const;

/** The errors of each method's own. */
export const ERRORS = {
${each(errorsRow)}} as const satisfies Record<Method, readonly string[]>;

/** Every code that a method can answer with. */
export type Errors = {
  [M in Method]: (typeof COMMON_ERRORS)[number] | (typeof ERRORS)[M][number];
};

/** What errors carry beside their code. */
export interface ErrorBodies {
${carrying.map(errorBody).join("")}}

/** What each method is asked with. */
export interface Requests {
${each(({ name, operation, request }) => `${comment(operation.summary, "  ")}  ${name}: ${typeOf(request, "  ")};\n`)}}

/** What each method answers; undefined where there is no body. */
export interface Responses {
${each(({ name, response }) => `  ${name}: ${response ? typeOf(response, "  ") : "undefined"};\n`)}}

/** A machine, as a client describes it. */
export type Device = NonNullable<Requests["send_magic_link"]["device"]>;
`;
}
