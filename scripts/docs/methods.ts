import { toJSONSchema } from "zod";
import type { ZodMiniType } from "zod/mini";
import { COMMON_ERRORS } from "#core/errors.ts";
import type { Access, RpcDeclaration } from "#entry/declaration.ts";
import { loadMethods, type MethodRoutes } from "#local/routes.ts";

export const path = "docs/methods.md";

/** The parts of JSON Schema that our schemas use. */
interface Schema {
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  minLength?: number;
  maxLength?: number;
}

const ACCESS: Readonly<Record<Access, string>> = {
  public: "anyone",
  own_user: "the bearer of the user that `user_id` names, or an internal caller",
  internal: "an internal caller",
};

const code = (value: unknown) => `\`${JSON.stringify(value)}\``;
const codes = (values: readonly string[]) => values.map((value) => `\`${value}\``).join(", ");

/** A schema in a few words. */
function words(schema: Schema): string {
  if (schema.anyOf) return schema.anyOf.map(words).join(" or ");
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum) return schema.enum.map(code).join(" or ");
  if (schema.type === "array") return `array of ${words(schema.items ?? {})}`;
  const type = [schema.type ?? "any value"].flat().join(" or ");
  if (schema.minLength === undefined && schema.maxLength === undefined) return type;
  return `${type}, ${schema.minLength ?? 0} to ${schema.maxLength ?? "any number of"} characters`;
}

/** One row for each field, those of nested objects behind a dot and those of array items behind `[]`. */
function fields(schema: Schema, at = "", isRequired = true): string[][] {
  const own = at === "" ? [] : [[`\`${at}\``, words(schema), isRequired ? "yes" : "no"]];
  const inner = [schema, ...(schema.anyOf ?? [])].flatMap((shape) => [
    ...(shape.items ? fields(shape.items, `${at}[]`).slice(1) : []),
    ...Object.entries(shape.properties ?? {}).flatMap(([name, property]) =>
      fields(property, at === "" ? name : `${at}.${name}`, shape.required?.includes(name) === true),
    ),
  ]);
  return [...own, ...inner];
}

function response(schema: ZodMiniType | null) {
  if (!schema) return ["Answer: 204, no body."];
  const shape = toJSONSchema(schema) as Schema;
  const kind = shape.type === "array" ? "a JSON array" : "a JSON object";
  const rows = fields(shape).map(([name = "", type = ""]) => [name, type]);
  return [`Answer: 200, ${kind}. Every field is always there.`, { head: ["Field", "Type"], rows }];
}

/** What does not follow from the schema alone. */
function notes({ access, isBodyOptional }: RpcDeclaration, request: Schema): string[] {
  const isUserOptional = access === "own_user" && !request.required?.includes("user_id");
  return [
    ...(isUserOptional ? ["- Without `user_id`, a bearer asks for its own user"] : []),
    ...(isBodyOptional ? ["- The body may be left out"] : []),
  ];
}

function method({ handler: { declaration }, paths }: MethodRoutes) {
  const { name, version, summary, access, errors } = declaration;
  const request = toJSONSchema(declaration.request) as Schema;
  return [
    `## ${name}, ${version}`,
    summary,
    [
      ...paths.map((served) => `- \`POST ${served}\``),
      `- Who may call: ${ACCESS[access]}`,
      ...notes(declaration, request),
      `- Source: \`src/methods/${version}/${name}.ts\``,
    ].join("\n"),
    { head: ["Request field", "Type", "Required"], rows: fields(request) },
    ...response(declaration.response),
    `Errors of its own: ${codes(errors) || "none"}.`,
  ];
}

export async function render() {
  return [
    "# Methods",
    "Every method takes a JSON object in a POST and refuses fields it does not name. `authorization` is " +
      "`bearer <access token>` or `internal <key>`; a header that is present is verified on every method.",
    `Beside the errors named below, any method may answer ${codes(COMMON_ERRORS)}. [Errors](errors.md) says what each means.`,
    ...(await loadMethods()).flatMap(method),
  ];
}
