import { COMMON_ERRORS } from "#core/errors.ts";
import { PREVIEW_VERSION } from "#core/versions.ts";
import { buildDocument } from "#tools/openapi/document.ts";
import { findMethodFile } from "#tools/openapi/groups.ts";
import { type DocumentedForm, formsOf } from "#tools/openapi/read.ts";
import type { Schema } from "#tools/openapi/types.ts";

export const path = "docs/methods.md";

const code = (value: unknown) => `\`${JSON.stringify(value)}\``;
const codes = (values: readonly string[]) => values.map((value) => `\`${value}\``).join(", ");
const typesOf = (schema: Schema) => [schema.type ?? "any value"].flat();

/** Describes a schema in a few words. */
function typeText(schema: Schema): string {
  if (schema.anyOf) return schema.anyOf.map(typeText).join(" or ");
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum) return schema.enum.map(code).join(" or ");
  if (schema.type === "array") return `array of ${typeText(schema.items ?? {})}`;
  const type = typesOf(schema).join(" or ");
  if (schema.minLength === undefined && schema.maxLength === undefined) return type;
  return `${type}, ${schema.minLength ?? 0} to ${schema.maxLength ?? "any number of"} characters`;
}

interface Field {
  name: string;
  type: string;
  isRequired: boolean;
  description: string;
}

/** Lists every field. Nested fields are joined by dots; the items of a list are marked by `[]`. */
function fieldsOf(schema: Schema, at = ""): Field[] {
  return [schema, ...(schema.anyOf ?? [])].flatMap((shape) => [
    ...(shape.items ? fieldsOf(shape.items, `${at}[]`) : []),
    ...Object.entries(shape.properties ?? {}).flatMap(([own, property]) => {
      const name = at === "" ? own : `${at}.${own}`;
      const isRequired = shape.required?.includes(own) === true;
      const field = { name, type: typeText(property), isRequired, description: property.description ?? "" };
      return [field, ...fieldsOf(property, name)];
    }),
  ]);
}

const json = (value: unknown) => `\`\`\`json\n${JSON.stringify(value, null, 2)}\n\`\`\``;

function request({ request: schema, requestExamples }: DocumentedForm) {
  const rows = fieldsOf(schema).map(({ name, type, isRequired, description }) => [
    `\`${name}\``,
    type,
    isRequired ? "yes" : "no",
    description,
  ]);
  const examples = Object.values(requestExamples).flatMap(({ summary, value }) => [
    ...(summary ? [`${summary}:`] : []),
    json(value),
  ]);
  return [{ head: ["Request field", "Type", "Required", "Meaning"], rows }, ...examples];
}

function response({ response: schema, responseExample }: DocumentedForm) {
  if (!schema) return ["Response: 204 without a body."];
  const kind = schema.type === "array" ? "a JSON array" : "a JSON object";
  const rows = fieldsOf(schema).map(({ name, type, description }) => [`\`${name}\``, type, description]);
  return [
    `Response: 200 with ${kind}. Every field is always present.`,
    { head: ["Field", "Type", "Meaning"], rows },
    json(responseExample),
  ];
}

/** Rules that the schema does not show. */
function notes({ operation }: DocumentedForm): string[] {
  const { text, usesCallerByDefault = false } = operation["x-callers"] ?? {};
  return [
    `- Who may call: ${text}`,
    ...(usesCallerByDefault ? ["- Without `user_id`, the method uses the user of the bearer token"] : []),
    ...(operation.requestBody?.required ? [] : ["- The body is optional"]),
  ];
}

async function method(form: DocumentedForm) {
  const { name, introduced, operation } = form;
  const own = form.errors.filter(({ code }) => !COMMON_ERRORS.includes(code)).map(({ code }) => code);
  return [
    `## ${name}, ${introduced}`,
    operation.summary,
    ...(operation.description ? [operation.description] : []),
    [
      ...form.paths.map(
        (served) => `- \`POST ${served}\`${served.includes(PREVIEW_VERSION) ? " (preview)" : ""}`,
      ),
      ...notes(form),
      `- Source: \`src/methods/${await findMethodFile(introduced, name)}\``,
    ].join("\n"),
    ...request(form),
    ...(operation["x-codeSamples"] ?? []).flatMap(({ source }) => [
      "With [the typed client](../packages/client/README.md):",
      `\`\`\`ts\n${source}\n\`\`\``,
    ]),
    ...response(form),
    `Errors in addition to the common ones: ${codes(own) || "none"}.`,
  ];
}

/** @returns the blocks of the page */
export async function render() {
  const document = await buildDocument();
  return [
    "# Methods",
    "Every method with its fields, examples and errors, for developers who call the API. [openapi.json](openapi.json) has " +
      "the same in machine-readable form; the local stack (`npm start`) serves it at http://localhost:3000/docs. The [quickstart](../README.md#quickstart) has calls that you can paste.",
    ...document.info.description.split("\n\n"),
    `The common errors, which every method can return, are ${codes(COMMON_ERRORS)}. [Errors](errors.md) explains each code.`,
    ...(await Promise.all(formsOf(document).map(method))).flat(),
    "Next: [errors](errors.md), [the typed client](../packages/client/README.md).",
  ];
}
