import { COMMON_ERRORS } from "#core/errors.ts";
import { buildDocument } from "#tools/openapi/document.ts";
import { type DocumentedForm, formsOf } from "#tools/openapi/read.ts";
import type { Schema } from "#tools/openapi/types.ts";

export const path = "docs/methods.md";

const CALLERS: Readonly<Record<string, string>> = {
  "": "anyone",
  "bearer,internal": "the bearer of the user that `user_id` names, or an internal caller",
  internal: "an internal caller",
};

const code = (value: unknown) => `\`${JSON.stringify(value)}\``;
const codes = (values: readonly string[]) => values.map((value) => `\`${value}\``).join(", ");
const typesOf = (schema: Schema) => [schema.type ?? "any value"].flat();

/** A schema in a few words. */
function words(schema: Schema): string {
  if (schema.anyOf) return schema.anyOf.map(words).join(" or ");
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum) return schema.enum.map(code).join(" or ");
  if (schema.type === "array") return `array of ${words(schema.items ?? {})}`;
  const type = typesOf(schema).join(" or ");
  if (schema.minLength === undefined && schema.maxLength === undefined) return type;
  return `${type}, ${schema.minLength ?? 0} to ${schema.maxLength ?? "any number of"} characters`;
}

interface Field {
  name: string;
  type: string;
  isRequired: boolean;
  says: string;
}

/** Each field, those of nested objects behind a dot and those of array items behind `[]`. */
function fieldsOf(schema: Schema, at = ""): Field[] {
  return [schema, ...(schema.anyOf ?? [])].flatMap((shape) => [
    ...(shape.items ? fieldsOf(shape.items, `${at}[]`) : []),
    ...Object.entries(shape.properties ?? {}).flatMap(([own, property]) => {
      const name = at === "" ? own : `${at}.${own}`;
      const isRequired = shape.required?.includes(own) === true;
      const field = { name, type: words(property), isRequired, says: property.description ?? "" };
      return [field, ...fieldsOf(property, name)];
    }),
  ]);
}

const json = (value: unknown) => `\`\`\`json\n${JSON.stringify(value, null, 2)}\n\`\`\``;

function request({ request: schema, requestExamples }: DocumentedForm) {
  const rows = fieldsOf(schema).map(({ name, type, isRequired, says }) => [
    `\`${name}\``,
    type,
    isRequired ? "yes" : "no",
    says,
  ]);
  const examples = Object.values(requestExamples).flatMap(({ summary, value }) => [
    ...(summary ? [`${summary}:`] : []),
    json(value),
  ]);
  return [{ head: ["Request field", "Type", "Required", "Meaning"], rows }, ...examples];
}

function response({ response: schema, responseExample }: DocumentedForm) {
  if (!schema) return ["Answer: 204, no body."];
  const kind = schema.type === "array" ? "a JSON array" : "a JSON object";
  const rows = fieldsOf(schema).map(({ name, type, says }) => [`\`${name}\``, type, says]);
  return [
    `Answer: 200, ${kind}. Every field is always there.`,
    { head: ["Field", "Type", "Meaning"], rows },
    json(responseExample),
  ];
}

/** What does not follow from the schema alone. */
function notes({ operation, request: schema }: DocumentedForm, callers: string): string[] {
  const isUserOptional = callers.includes("bearer") && !schema.required?.includes("user_id");
  return [
    ...(isUserOptional ? ["- Without `user_id`, a bearer asks for its own user"] : []),
    ...(operation.requestBody?.required ? [] : ["- The body may be left out"]),
  ];
}

function method(form: DocumentedForm) {
  const { name, introduced, operation } = form;
  const callers = operation.security.flatMap((scheme) => Object.keys(scheme)).join();
  const own = form.errors.filter(({ code }) => !COMMON_ERRORS.includes(code)).map(({ code }) => code);
  return [
    `## ${name}, ${introduced}`,
    operation.summary,
    ...(operation.description ? [operation.description] : []),
    [
      ...form.paths.map((served) => `- \`POST ${served}\``),
      `- Who may call: ${CALLERS[callers]}`,
      ...notes(form, callers),
      `- Source: \`src/methods/${introduced}/${name}.ts\``,
    ].join("\n"),
    ...request(form),
    ...response(form),
    `Errors of its own: ${codes(own) || "none"}.`,
  ];
}

export async function render() {
  const document = await buildDocument();
  return [
    "# Methods",
    "The same as [openapi.json](openapi.json), for reading; `npm start` shows it at `/docs`.",
    ...document.info.description.split("\n\n"),
    `Beside the errors named below, any method may answer ${codes(COMMON_ERRORS)}. [Errors](errors.md) says what each means.`,
    ...formsOf(document).flatMap(method),
  ];
}
