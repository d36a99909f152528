import { readFile } from "node:fs/promises";
import { COMMON_ERRORS, type ErrorCode } from "#core/errors.ts";
import type { Access, RpcDeclaration } from "#entry/declaration.ts";
import type { MethodRoutes } from "#routes.ts";
import { failures, json, success } from "#tools/openapi/responses.ts";
import { documentedSchema, exampleOf } from "#tools/openapi/schema.ts";
import type { Example, Operation, PathItem, Schema, Security } from "#tools/openapi/types.ts";

const METHODS = new URL("../../src/methods/", import.meta.url);

/** Where a method stands in the reference. */
const GROUPS: Readonly<Record<string, string>> = {
  send_magic_link: "Sign-in",
  authenticate_user: "Sign-in",
  revoke_token: "Sign-in",
  list_sessions: "Sessions",
  revoke_session: "Sessions",
  get_user: "Account",
  get_marketing_consent: "Account",
  set_marketing_consent: "Account",
  enrol_alpha_user: "Account",
  create_trial_and_magic_link: "Subscription",
  get_subscription_status: "Subscription",
  list_news_items: "News",
};

const SECURITY: Readonly<Record<Access, Security>> = {
  public: [{}],
  own_user: [{ bearer: [] }, { internal: [] }],
  internal: [{ internal: [] }],
};

/** Ways to call a method whose fields belong to one way or another. */
const WAYS: Readonly<Record<string, Readonly<Record<string, Record<string, unknown>>>>> = {
  authenticate_user: {
    "The code of a mailed link": { grant_type: "authorization_code", refresh_token: undefined },
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
  const ways = WAYS[name];
  if (!ways) return { whole: { value } };
  return Object.fromEntries(
    Object.entries(ways).map(([summary, change]) => [
      String(change.grant_type),
      // Without what is undefined.
      { summary, value: JSON.parse(JSON.stringify({ ...value, ...change })) },
    ]),
  );
}

/** What the comment of a method's file says after its summary. */
async function longerWords({ name, version, summary }: RpcDeclaration): Promise<string> {
  const source = await readFile(new URL(`${version}/${name}.ts`, METHODS), "utf8");
  const [, comment = ""] = /^\/\*\*([\s\S]*?)\*\//.exec(source) ?? [];
  const paragraphs = comment
    .replace(/^\s*\*? ?/gm, "")
    .trim()
    .replace(summary, "")
    .trim()
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.replace(/\s+/g, " "));
  return paragraphs.join("\n\n");
}

/** The codes that a method can answer with: its own and those of every call. */
function codesOf({ errors, isBodyOptional }: RpcDeclaration): ErrorCode[] {
  return [...COMMON_ERRORS, ...errors].filter((code) => code !== "body_missing" || !isBodyOptional);
}

/** A method's paths, and the schemas that they refer to. */
export interface DocumentedMethod {
  paths: Record<string, PathItem>;
  schemas: Record<string, Schema>;
}

/**
 * Describes a method under each date that it serves.
 * @throws Error if it belongs to no group, or a field has no words
 */
export async function describeMethod({ handler, paths }: MethodRoutes): Promise<DocumentedMethod> {
  const { declaration } = handler;
  const { name, version, summary, access, isBodyOptional, response } = declaration;
  const group = GROUPS[name];
  if (!group) throw new Error(`tools/openapi/method_operations.ts has no group for ${name}.`);
  const id = `${name}_${version.replaceAll("-", "_")}`;
  const request = documentedSchema(declaration.request, name);
  const answer = response ? documentedSchema(response, name) : null;
  const refer = (part: string) => ({ $ref: `#/components/schemas/${id}_${part}` });
  const codes = codesOf(declaration);
  const operation: Omit<Operation, "operationId"> = {
    tags: [group],
    summary,
    description: await longerWords(declaration),
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
      paths.map((path) => {
        const [, , date = ""] = path.split("/");
        return [path, { post: { operationId: `${name}_${date.replaceAll("-", "_")}`, ...operation } }];
      }),
    ),
  };
}
