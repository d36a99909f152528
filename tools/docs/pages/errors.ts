import { ERRORS } from "#core/error_codes.ts";
import { COMMON_ERRORS, type ErrorCode } from "#core/errors.ts";
import { REMEDIES } from "#tools/docs/error_remedies.ts";
import { buildDocument } from "#tools/openapi/document.ts";
import { CARRIED } from "#tools/openapi/error_bodies.ts";
import { errorsOf, formsOf } from "#tools/openapi/read.ts";

export const path = "docs/errors.md";

/** @returns the blocks of the page */
export async function render() {
  const document = await buildDocument();
  const webhook = document.paths["/1/webhook/stripe"]?.post;
  const answers = [
    ...formsOf(document).map(({ name, errors }) => ({ name, errors })),
    { name: "stripe", errors: webhook ? errorsOf(document, webhook.responses) : [] },
  ];
  const routing = errorsOf(document, document["x-unmatched"].responses).map(({ code }) => code);
  const answeredBy = (code: ErrorCode): string => {
    if (COMMON_ERRORS.includes(code)) return "any method";
    const names = answers
      .filter(({ errors }) => errors.some((error) => error.code === code))
      .map(({ name }) => `\`${name}\``);
    return [...new Set(names), ...(routing.includes(code) ? ["routing"] : [])].join(", ") || "no method";
  };
  return [
    "# Errors",
    'Every error code of the API, for developers who call it. An error is a JSON object, `{"code": "...", "meta"?: {...}, ' +
      '"reasons"?: [...]}`, with the HTTP status of its code. Branch on `code`: a published code never changes.',
    "*Routing* in the last column means that no method has the path or HTTP method. Four more error responses come from API " +
      "Gateway and have another shape: see [architecture](architecture.md#four-responses-of-api-gateway).",
    {
      head: ["Code", "Status", "Meaning", "What to do", "Returned by"],
      rows: Object.entries(ERRORS)
        .map(([code, [status, meaning]]) => ({ code: code as ErrorCode, status, meaning }))
        .sort((one, other) => one.status - other.status)
        .map(({ code, status, meaning }) => [
          `\`${code}\``,
          String(status),
          meaning,
          REMEDIES[code],
          answeredBy(code),
        ]),
    },
    "## Fields and headers of some errors",
    Object.entries(CARRIED)
      .map(([code, { description }]) => `- \`${code}\`: ${description}`)
      .join("\n"),
    "Next: [methods](methods.md), [requirements of the desktop client](desktop_client.md).",
  ];
}
