import { readFile } from "node:fs/promises";
import { COMMON_ERRORS, type ErrorCode } from "#core/errors.ts";
import type { Access, RpcDeclaration } from "#entry/declaration.ts";
import type { MethodRoutes } from "#routes.ts";
import { findMethodFile, GROUPS, groupOf, methodFileUrl } from "#tools/openapi/groups.ts";
import { failures, json, success } from "#tools/openapi/responses.ts";
import { documentedSchema, exampleOf } from "#tools/openapi/schema.ts";
import type { Example, Operation, PathItem, Schema, Security } from "#tools/openapi/types.ts";

const SECURITY: Readonly<Record<Access, Security>> = {
  public: [{}],
  own_user: [{ bearer: [] }, { internal: [] }],
  internal: [{ internal: [] }],
};

/** Methods whose required fields depend on one field: an example for each case, as changes to the whole body. */
const REQUEST_VARIANTS: Readonly<Record<string, Readonly<Record<string, Record<string, unknown>>>>> = {
  authenticate_user: {
    "The code from a magic link": { grant_type: "authorization_code", refresh_token: undefined },
    "A refresh token": {
      grant_type: "refresh_token",
      code: undefined,
      code_verifier: undefined,
      redirect_uri: undefined,
    },
  },
};

function requestExamples(name: string, schema: Schema): Record<string, Example> {
  const value = exampleOf(schema) as Record<string, unknown>;
  const variants = REQUEST_VARIANTS[name];
  if (!variants) return { whole: { value } };
  return Object.fromEntries(
    Object.entries(variants).map(([summary, change]) => [
      String(change.grant_type),
      // JSON drops the fields that are undefined.
      { summary, value: JSON.parse(JSON.stringify({ ...value, ...change })) },
    ]),
  );
}

/** The description of a method: the comment at the top of its file, without the summary. */
function descriptionIn(source: string, summary: string): string {
  const [, comment = ""] = /^\/\*\*([\s\S]*?)\*\//.exec(source) ?? [];
  return comment
    .replace(/^\s*\*? ?/gm, "")
    .trim()
    .replace(summary, "")
    .trim()
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.replace(/\s+/g, " "))
    .join("\n\n");
}

/** The error codes that a method can return: its own and the common ones. */
function codesOf({ errors, isBodyOptional }: RpcDeclaration): ErrorCode[] {
  return [...COMMON_ERRORS, ...errors].filter((code) => code !== "body_missing" || !isBodyOptional);
}

/** A method's paths, and the schemas that they reference. */
export interface DocumentedMethod {
  paths: Record<string, PathItem>;
  schemas: Record<string, Schema>;
}

/**
 * Describes a method under each date that serves it.
 * @throws Error if the method has no group, or a field has no description
 */
export async function describeMethod({ handler, paths }: MethodRoutes): Promise<DocumentedMethod> {
  const { declaration } = handler;
  const { name, version, summary, access, isBodyOptional, response } = declaration;
  const file = await findMethodFile(version, name);
  const id = `${name}_${version.replaceAll("-", "_")}`;
  const request = documentedSchema(declaration.request, name);
  const answer = response ? documentedSchema(response, name) : null;
  const refer = (part: string) => ({ $ref: `#/components/schemas/${id}_${part}` });
  const codes = codesOf(declaration);
  const operation: Omit<Operation, "operationId"> = {
    tags: [GROUPS[groupOf(file)].name],
    summary,
    description: descriptionIn(await readFile(methodFileUrl(file), "utf8"), summary),
    ...(codes.includes("deprecated") ? { deprecated: true } : {}),
    security: SECURITY[access],
    requestBody: {
      required: !isBodyOptional,
      content: json(refer("request"), requestExamples(name, request)),
    },
    responses: {
      ...success(answer, { reference: answer && refer("response") }),
      ...failures(codes),
    },
    "x-introduced": version,
  };
  return {
    schemas: { [`${id}_request`]: request, ...(answer ? { [`${id}_response`]: answer } : {}) },
    paths: Object.fromEntries(
      paths.map((path) => [path, { post: { operationId: idOf(path), ...operation } }]),
    ),
  };
}

/** The operation id of a path: `/1/2021-10-06/get_user` is `get_user_2021_10_06`. */
function idOf(path: string): string {
  const [, , date = "", name = ""] = path.split("/");
  return `${name}_${date.replaceAll("-", "_")}`;
}
