import { COMMON_ERRORS, type ErrorCode } from "#core/errors.ts";
import type { AdapterDeclaration, AdapterRoute } from "#entry/adapter_declaration.ts";

const CREDENTIALS: Readonly<Record<AdapterRoute["credential"], string>> = {
  none: "None. A credential in the request is ignored",
  session: "The access token of the session, `authorization: Bearer ...`",
  local_key:
    "An internal key, `authorization: internal ...`. The local stack adds its own to a request without one",
  bearer_key: "An internal key as bearer, `authorization: Bearer ...`",
  internal_key:
    "None, or an internal key, `authorization: internal ...`. Another credential in the request is ignored",
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
      rows: routes.map(({ verb, path, summary, method }) => [
        `\`${verb} /${name}${path}\``,
        summary,
        `[\`${method.declaration.name}\`](../methods.md)`,
      ]),
    },
    `A body is JSON or a form. Fields that a route does not read are ignored.${keyOf(declaration)}`,
    ...routes.flatMap((route) => routeSection(declaration, route)),
    "## Errors of every route",
    errorTable(declaration, OF_ADAPTER, (code) => declaration.errors[code]),
  ];
}

const keyOf = ({ clientHeader }: AdapterDeclaration) =>
  clientHeader === undefined ? "" : ` Each request names its client in the header \`${clientHeader}\`.`;

const fieldTable = (fields: AdapterRoute["fields"]) => ({
  head: ["Field", "Content"],
  rows: Object.entries(fields).map(([name, text]) => [`\`${name}\``, text]),
});

function routeSection(declaration: AdapterDeclaration, route: AdapterRoute) {
  const { verb, path, fields, answer, credential, method } = route;
  const codes = [...method.declaration.errors, ...COMMON_ERRORS];
  return [
    `### ${verb} ${path}`,
    ...(Object.keys(fields).length === 0 ? [] : [fieldTable(fields)]),
    `Answers 200. ${answer} Credential: ${CREDENTIALS[credential]}.`,
    errorTable(declaration, codes, (code) => route.errors[code] ?? declaration.errors[code]),
  ];
}

/** The errors that an adapter reports in its own words. The others keep their status, with one sentence for all. */
function errorTable(
  { otherError }: AdapterDeclaration,
  codes: readonly ErrorCode[],
  foreign: (code: ErrorCode) => readonly [number, string] | undefined,
) {
  const rows = new Map<string, { status: number; text: string; codes: string[] }>();
  for (const code of codes) {
    const [status, text] = foreign(code) ?? [];
    if (status === undefined || text === undefined) continue;
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
