import { readFile } from "node:fs/promises";
import { COMMON_ERRORS, type ErrorCode } from "#core/errors.ts";
import { PREVIEW_VERSION, VERSIONS } from "#core/versions.ts";
import type { RpcDeclaration } from "#entry/declaration.ts";
import type { MethodRoutes } from "#routes.ts";
import { callersOf, takesInternalKey, usesCallerByDefault } from "#tools/openapi/callers.ts";
import { typescriptSample } from "#tools/openapi/code_samples.ts";
import { findMethodFile, GROUPS, groupOf, methodFileUrl } from "#tools/openapi/groups.ts";
import { documentedRequest } from "#tools/openapi/request_variants.ts";
import { failures, json, success } from "#tools/openapi/responses.ts";
import { documentedSchema } from "#tools/openapi/schema.ts";
import type { Operation, PathItem, Schema, Security } from "#tools/openapi/types.ts";

/** Whether a method takes `mfa_token` in place of an access token. */
const takesMfaToken = ({ recognizesUser }: RpcDeclaration, { properties = {} }: Schema) =>
  recognizesUser === true && "mfa_token" in properties;

/**
 * The credentials that a method takes. A user's own methods, and those that need a capability of the platform, take both. A method
 * that takes `mfa_token` in place of an access token needs one of them.
 */
function securityOf(declaration: RpcDeclaration, fields: Schema): Security {
  const { access } = declaration;
  if (access === "public") return takesMfaToken(declaration, fields) ? [{ bearer: [] }, {}] : [{}];
  return [
    ...(access === "internal" ? [] : [{ bearer: [] }]),
    ...(takesInternalKey(access) ? [{ internal: [] }] : []),
  ];
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
  const isForClient = access !== "internal" && paths.some((path) => path.includes(`/${VERSIONS.at(-1)}/`));
  const file = await findMethodFile(version, name);
  const id = `${name}_${version.replaceAll("-", "_")}`;
  const fields = documentedSchema(declaration.request, name);
  const request = documentedRequest(name, `${id}_request`, fields);
  const answer = response ? documentedSchema(response, name) : null;
  const refer = (part: string) => ({ $ref: `#/components/schemas/${id}_${part}` });
  const codes = codesOf(declaration);
  const operation: Omit<Operation, "operationId"> = {
    tags: [GROUPS[groupOf(file)].name],
    summary,
    description: descriptionIn(await readFile(methodFileUrl(file), "utf8"), summary),
    ...(codes.includes("deprecated") ? { deprecated: true } : {}),
    security: securityOf(declaration, fields),
    requestBody: {
      required: !isBodyOptional,
      content: json(refer("request"), request.examples),
    },
    responses: {
      ...success(answer, { reference: answer && refer("response") }),
      ...failures(codes),
    },
    "x-introduced": version,
    "x-callers": {
      text: takesMfaToken(declaration, fields)
        ? "the user of the bearer token, or of `mfa_token`"
        : callersOf(access),
      usesCallerByDefault: usesCallerByDefault(access, fields),
    },
    ...(isForClient && !codes.includes("deprecated")
      ? { "x-codeSamples": [typescriptSample(name, fields, answer !== null)] }
      : {}),
  };
  const shown = (path: string) => (path.includes(PREVIEW_VERSION) ? withPreview(operation) : operation);
  return {
    schemas: { ...request.schemas, ...(answer ? { [`${id}_response`]: answer } : {}) },
    paths: Object.fromEntries(
      paths.map((path) => [path, { post: { operationId: idOf(path), ...shown(path) } }]),
    ),
  };
}

/** Marks an operation of the version that is not published yet. */
function withPreview(operation: Omit<Operation, "operationId">): Omit<Operation, "operationId"> {
  const notice = `Preview: version ${PREVIEW_VERSION} may still change.`;
  const description = [operation.description, notice].filter(Boolean).join("\n\n");
  return { ...operation, description, "x-preview": true };
}

/** The operation id of a path: `/1/2021-10-06/get_user` is `get_user_2021_10_06`. */
function idOf(path: string): string {
  const [, , date = "", name = ""] = path.split("/");
  return `${name}_${date.replaceAll("-", "_")}`;
}
