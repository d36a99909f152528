import type { ZodMiniType } from "zod/mini";
import { ERRORS } from "#core/error_codes.ts";
import { COMMON_ERRORS, type ErrorCode } from "#core/errors.ts";
import type { AdapterDeclaration, AdapterRoute, ForeignErrors } from "#entry/adapter_declaration.ts";

const CREDENTIALS: Readonly<Record<AdapterRoute["credential"], string>> = {
  none: "not needed, and ignored",
  session: "the access token of the session, `authorization: Bearer ...`",
  local_key:
    "an internal key, `authorization: internal ...`. The local stack adds its own to a request without one",
  bearer_key: "an internal key as bearer, `authorization: Bearer ...`",
  internal_key:
    "not needed. An internal key, `authorization: internal ...`, permits more. Other credentials are ignored",
  caller: "an access token, `authorization: Bearer ...`, or an internal key, `authorization: internal ...`",
};

/** Errors before a method is called, in addition to those of every method. */
const OF_ADAPTER: readonly ErrorCode[] = ["not_found", "method_not_supported"];

/** The page's sections that follow from the table of an adapter: its routes, and the errors of each. */
export function adapterSections(declaration: AdapterDeclaration) {
  const { name, routes } = declaration;
  return [
    "## Routes",
    {
      head: ["Route", "What it does", "Method of Nest"],
      rows: routes.map((route) => [
        nameOf(route, `/${name}${route.path}`),
        route.summary,
        `[\`${route.method.declaration.name}\`](../methods.md)`,
      ]),
    },
    `A body is JSON or a form. Fields that a route does not read are ignored.${keyOf(declaration)}`,
    ...routes.flatMap((route) => routeSection(declaration, route)),
    "## Errors of every route",
    errorTable(declaration, OF_ADAPTER, (code) => declaration.errors[code]),
  ];
}

function keyOf({ clientHeader, isClientOptional }: AdapterDeclaration): string {
  if (clientHeader === undefined) return "";
  const who = isClientOptional ? "If several clients list the adapter, each request" : "Each request";
  return ` ${who} names its client in the header \`${clientHeader}\`.`;
}

/** The fields of a route, in the order of the adapter's table, and which of them each request must have. */
const fieldTable = ({ fields, request }: AdapterRoute) => {
  const { shape = {} } = request as { shape?: Readonly<Record<string, ZodMiniType>> };
  const isRequired = (name: string) => shape[name]?.safeParse(undefined).success === false;
  return {
    head: ["Field", "Required", "Content"],
    rows: Object.entries(fields).map(([name, text]) => [
      `\`${name}\``,
      isRequired(name) ? "Yes" : "No",
      text,
    ]),
  };
};

/** A path that several routes serve says which requests are whose. */
const nameOf = ({ verb, when }: AdapterRoute, path: string) =>
  `\`${verb} ${path}\`${when === undefined ? "" : ` with \`${when}\``}`;

const PAGE = " A browser gets [a page](README.md#rules-of-every-adapter) in place of this response.";

/** Whether a route sends the browser on. */
const isRedirect = ({ visit }: AdapterRoute) => visit === "begin" || visit === "end";

/** The credential of a route, and where else than in its header it may be. */
function credentialOf({ hasCookies }: AdapterDeclaration, route: AdapterRoute): string {
  const { credential, method, fields, visit } = route;
  const inCookie =
    hasCookies && ["caller", "session"].includes(credential) ? ", or the cookie of the session" : "";
  // Such a method recognizes a user, and refuses an internal key.
  if (credential !== "caller" || method.declaration.access !== "public")
    return `${CREDENTIALS[credential]}${inCookie}`;
  const session = `${CREDENTIALS.session}${inCookie}`;
  if ("enrollment_token" in fields) return `${session}, or the field \`enrollment_token\``;
  return visit === "begin" ? session : `${session}, if there is one`;
}

function routeSection(declaration: AdapterDeclaration, route: AdapterRoute) {
  const { path, fields, answer, method } = route;
  const codes = [...method.declaration.errors, ...COMMON_ERRORS];
  return [
    `### ${nameOf(route, path).replaceAll("`", "")}`,
    ...(Object.keys(fields).length === 0 ? [] : [fieldTable(route)]),
    `${isRedirect(route) ? "Answers " : "Answers 200. "}${answer}${route.page ? PAGE : ""} Credential: ${credentialOf(declaration, route)}.`,
    errorTable(declaration, codes, (code) => route.errors[code] ?? declaration.errors[code]),
  ];
}

/** The errors that an adapter reports in its own words. The others keep their status, with one sentence for all. */
function errorTable(
  { otherError }: AdapterDeclaration,
  codes: readonly ErrorCode[],
  foreign: (code: ErrorCode) => ForeignErrors[ErrorCode],
) {
  const rows = new Map<string, { status: number; text: string; codes: string[] }>();
  for (const code of codes) {
    const named = foreign(code);
    if (named === undefined) continue;
    const [status, text] = typeof named === "string" ? [ERRORS[code][0], named] : named;
    const row = rows.get(`${status} ${text}`) ?? { status, text, codes: [] };
    rows.set(`${status} ${text}`, { ...row, codes: [...row.codes, `\`${code}\``] });
  }
  const sorted = [...rows.values()].sort((one, other) => one.status - other.status);
  return {
    head: ["Status", "Text", "Error of the method"],
    rows: [
      ...sorted.map(({ status, text, codes: named }) => [String(status), text, named.join(", ")]),
      ["As the method's", otherError, "Any other"],
    ],
  };
}
