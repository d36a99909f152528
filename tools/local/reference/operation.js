/** One operation: how it is asked, what it answers, how it fails. */
import { codeBlock, element, heading, paragraphs, prose } from "/docs/elements.js";
import { fieldList, follow } from "/docs/fields.js";

const CALLERS = {
  "": "Anyone.",
  "bearer,internal": "The bearer of the user that `user_id` names, or an internal caller.",
  internal: "An internal caller.",
};
const CREDENTIALS = {
  bearer: "authorization: bearer $ACCESS_TOKEN",
  internal: "authorization: internal $INTERNAL_KEY",
};

const pretty = (value) => JSON.stringify(value, null, 2);

/** The first name of a body's schemes, or nothing where none is needed. */
const schemesOf = ({ security }) => security.flatMap((scheme) => Object.keys(scheme));

function curl(whole, { verb, paths, operation }, body) {
  const [scheme] = schemesOf(operation);
  const headers = [
    ...(scheme ? [CREDENTIALS[scheme]] : []),
    ...(operation.parameters ?? []).map(({ name }) => `${name}: $SIGNATURE`),
  ];
  // A single quote ends the shell's string.
  const quoted = pretty(body)?.replaceAll("'", "'\\''");
  return [
    `curl ${verb === "post" ? "" : "-i "}${whole.servers[0].url}${paths.at(-1)}`,
    ...headers.map((header) => `-H "${header}"`),
    ...(quoted === undefined ? [] : [`-d '${quoted}'`]),
  ].join(" \\\n  ");
}

function request(whole, entry) {
  const media = entry.operation.requestBody?.content["application/json"];
  if (!media) return [codeBlock("Example", curl(whole, entry))];
  const examples = Object.values(media.examples).map(({ summary, value }) =>
    codeBlock(summary ?? "Example", curl(whole, entry, value)),
  );
  const isOptional = entry.operation.requestBody.required === false;
  return [
    element("h4", {}, "Request"),
    isOptional ? element("p", {}, "The body may be left out.") : null,
    fieldList(follow(whole, media.schema), { marks: true }),
    ...examples,
  ];
}

function answer(whole, responses) {
  const [status, response] = Object.entries(responses)[0];
  const media = follow(whole, response).content?.["application/json"];
  return [
    element("h4", {}, "Answer"),
    element(
      "p",
      {},
      media ? `${status} with JSON; every field is always there.` : `${status} without a body.`,
    ),
    ...(media
      ? [
          fieldList(follow(whole, media.schema)),
          codeBlock("Example of an answer", pretty(Object.values(media.examples)[0].value)),
        ]
      : []),
  ];
}

/** The errors of an operation: `[status, code]`. */
export function errorsOf(whole, responses) {
  return Object.entries(responses).flatMap(([status, response]) => {
    const examples = follow(whole, response).content?.["application/json"].examples ?? {};
    return Object.keys(examples)
      .filter((code) => code in whole.components.examples)
      .map((code) => [status, code]);
  });
}

/** A list of errors, each leading to what is said of it. */
export function errorList(whole, errors) {
  const items = errors.map(([status, code]) =>
    element(
      "li",
      {},
      element("span", { class: "status" }, status),
      " ",
      element("a", { href: `#error-${code}` }, element("code", {}, code)),
      " ",
      ...prose(whole.components.examples[code].summary),
    ),
  );
  return element("ul", { class: "errors" }, ...items);
}

/** The section of an operation and of every path that has it. */
export function operationSection(whole, entry, common) {
  const { id, title, verb, paths, operation } = entry;
  const known = new Set(Object.keys(whole.components.examples));
  const errors = errorsOf(whole, operation.responses);
  const own = errors.filter(([, code]) => !common.has(code));
  const usual = errors.filter(([, code]) => common.has(code));
  return element(
    "section",
    { class: "card", "aria-labelledby": id },
    heading(3, id, title),
    operation.deprecated ? element("p", { class: "mark" }, "Deprecated") : null,
    element("p", {}, operation.summary),
    ...paragraphs(operation.description, known),
    element(
      "ul",
      { class: "paths" },
      ...paths.map((path) => element("li", {}, element("code", {}, `${verb.toUpperCase()} ${path}`))),
    ),
    element("p", {}, element("strong", {}, "Who may call: "), ...prose(CALLERS[schemesOf(operation).join()])),
    ...request(whole, entry),
    ...answer(whole, operation.responses),
    element("h4", {}, "Errors"),
    own.length > 0 ? errorList(whole, own) : element("p", {}, "None of its own."),
    usual.length > 0
      ? element("details", {}, element("summary", {}, "Errors of any call"), errorList(whole, usual))
      : null,
  );
}
