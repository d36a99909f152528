import { readdir, readFile } from "node:fs/promises";
import { COMMON_ERRORS, ERRORS, type ErrorCode } from "#core/errors.ts";
import { loadMethods } from "#local/routes.ts";

export const path = "docs/errors.md";

const CALLBACKS = new URL("../../src/callbacks/", import.meta.url);

/** Who answers with which codes. */
interface Declaration {
  name: string;
  errors?: readonly ErrorCode[];
}

/** Callbacks that declare errors; one that AWS calls with an event answers nobody and has none. */
async function callbackDeclarations(): Promise<Declaration[]> {
  const files = (await readdir(CALLBACKS)).filter((file) => file.endsWith(".ts")).sort();
  const modules = await Promise.all(files.map((file) => import(new URL(file, CALLBACKS).href)));
  return modules.flatMap(
    ({ handler }: { handler: { declaration?: Declaration } }) => handler.declaration ?? [],
  );
}

const source = (file: string) => readFile(new URL(`../../src/${file}`, import.meta.url), "utf8");

/** What the `$default` route throws, which is no method and so declares nothing. */
async function routingErrors(): Promise<Set<string>> {
  const thrown = (await source("entry/unmatched.ts")).matchAll(/new NestError\("(\w+)"/g);
  return new Set([...thrown].map(([, code = ""]) => code));
}

async function bearerReasons(): Promise<string[]> {
  const [, union = ""] =
    /export type BearerReason =([^;]+);/.exec(await source("core/auth/access_token.ts")) ?? [];
  return [...union.matchAll(/"(\w+)"/g)].map(([, reason = ""]) => `\`${reason}\``);
}

export async function render() {
  const methods = (await loadMethods()).map(({ handler }) => handler.declaration);
  const declarations: Declaration[] = [...methods, ...(await callbackDeclarations())];
  const routing = await routingErrors();
  const answeredBy = (code: ErrorCode): string => {
    if (COMMON_ERRORS.includes(code)) return "any method";
    const names = declarations
      .filter(({ errors }) => errors?.includes(code))
      .map(({ name }) => `\`${name}\``);
    return [...new Set(names), ...(routing.has(code) ? ["routing"] : [])].join(", ") || "nothing yet";
  };
  return [
    "# Errors",
    'An error is a JSON object, `{"code": "...", "meta"?: {...}, "reasons"?: [...]}`, under the status of its code. ' +
      "Branch on `code`; it does not change once published.",
    "Answered by *routing* means a path or verb that no method has. Four more bodies are API Gateway's own and have " +
      "another shape: see [architecture](architecture.md).",
    {
      head: ["Code", "Status", "Meaning", "Answered by"],
      rows: Object.entries(ERRORS)
        .map(([code, [status, meaning]]) => ({ code: code as ErrorCode, status, meaning }))
        .sort((one, other) => one.status - other.status)
        .map(({ code, status, meaning }) => [`\`${code}\``, String(status), meaning, answeredBy(code)]),
    },
    "## What some of them carry",
    [
      "- `validation_failed`: `reasons` has one entry for each failing field, each with `meta.path`, `meta.message` and " +
        "`meta.name`; the first of them is repeated in `meta`.",
      `- \`unauthorized\`: \`reasons\` has one entry, whose \`code\` is one of ${(await bearerReasons()).join(", ")}. The ` +
        'answer has `WWW-Authenticate: Bearer error="invalid_token"`.',
      "- `rate_limited`: `Retry-After`, and the same number of seconds in `meta.retry_after`.",
      "- `unavailable`: `Retry-After`.",
      "- `method_not_supported`: `Allow`, and the same in `meta.allow`.",
      "- `invalid_email`: `meta.message`, one of two texts that the desktop app compares.",
      "- `unknown`: `meta.request_id` and nothing else; the log has the rest under that id.",
    ].join("\n"),
  ];
}
