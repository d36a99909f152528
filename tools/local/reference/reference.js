/** The API reference, drawn from the document that clients are made from. */
import { codeBlock, element, heading, paragraphs, prose } from "/docs/elements.js";
import { fieldList } from "/docs/fields.js";
import { errorList, errorsOf, operationSection } from "/docs/operation.js";

const byId = (id) => document.getElementById(id);
const main = byId("main");

/** Every operation, those that several dates have once, by name and newest first. */
function readEntries(whole) {
  const entries = new Map();
  for (const [path, item] of Object.entries(whole.paths)) {
    for (const [verb, operation] of Object.entries(item)) {
      const introduced = operation["x-introduced"] ?? "";
      const name = introduced ? path.split("/").at(-1) : `${verb.toUpperCase()} ${path}`;
      const id = introduced ? `${name}-${introduced}` : operation.operationId;
      const known = entries.get(id) ?? { id, name, introduced, verb, paths: [], operation };
      known.paths.push(path);
      entries.set(id, known);
    }
  }
  const all = [...entries.values()].sort(
    (one, other) => one.name.localeCompare(other.name) || other.introduced.localeCompare(one.introduced),
  );
  return all.map((entry, place) => ({
    ...entry,
    title: all[place - 1]?.name === entry.name ? `${entry.name}, ${entry.introduced}` : entry.name,
  }));
}

/** The errors that every method has. */
function commonErrors(whole, entries) {
  const methods = entries.filter(({ introduced }) => introduced);
  const codes = methods.map(({ operation }) => errorsOf(whole, operation.responses).map(([, code]) => code));
  const counted = Map.groupBy(codes.flat(), (code) => code);
  // One method may be called without a body, so not quite every method misses one.
  return new Set([...counted].filter(([, all]) => all.length >= methods.length - 1).map(([code]) => code));
}

function errorSection(whole, code, status) {
  const { summary, value } = whole.components.examples[code];
  const name = code.replace(/(?:^|_)(\w)/g, (_match, letter) => letter.toUpperCase());
  const { properties } = whole.components.schemas[name];
  const { code: _code, ...carried } = properties;
  const response = Object.values(whole.components.responses).find((one) =>
    Object.keys(one.content["application/json"].examples).includes(code),
  );
  const headers = Object.keys(response?.headers ?? {}).filter(
    (header) => !["beak-time", "request-id"].includes(header),
  );
  return element(
    "section",
    { class: "card", "aria-labelledby": `error-${code}` },
    heading(3, `error-${code}`, code),
    element("p", {}, element("span", { class: "status" }, status), " ", ...prose(summary)),
    headers.length > 0
      ? element("p", {}, ...prose(`The answer has ${headers.map((header) => `\`${header}\``).join(", ")}.`))
      : null,
    Object.keys(carried).length > 0
      ? fieldList({ properties: carried, required: Object.keys(carried) })
      : null,
    codeBlock(`Example of ${code}`, JSON.stringify(value, null, 2)),
  );
}

/** Every error with its status. */
function allErrors(whole, entries) {
  const seen = [
    ...entries.flatMap(({ operation }) => errorsOf(whole, operation.responses)),
    ...errorsOf(whole, whole["x-unmatched"].responses),
  ];
  return [...new Map(seen.map(([status, code]) => [code, status]))]
    .sort(([one, low], [other, high]) => Number(low) - Number(high) || one.localeCompare(other))
    .map(([code, status]) => [status, code]);
}

function link(id, text) {
  return element("li", {}, element("a", { href: `#${id}` }, text));
}

function draw(whole) {
  const entries = readEntries(whole);
  const common = commonErrors(whole, entries);
  const errors = allErrors(whole, entries);
  const known = new Set(errors.map(([, code]) => code));
  const groups = whole.tags.map(({ name, description }) => ({
    id: `group-${name.toLowerCase()}`,
    name,
    description,
    entries: entries.filter(({ operation }) => operation.tags.includes(name)),
  }));
  main.replaceChildren(
    element(
      "section",
      { class: "card", "aria-labelledby": "overview" },
      element("h1", { id: "overview", tabindex: "-1" }, `${whole.info.title} ${whole.info.version}`),
      ...paragraphs(whole.info.description, known),
    ),
    ...groups.flatMap(({ id, name, description, entries: own }) => [
      element("div", { class: "group" }, heading(2, id, name), element("p", { class: "quiet" }, description)),
      ...own.map((entry) => operationSection(whole, entry, common)),
    ]),
    element("div", { class: "group" }, heading(2, "group-errors", "Errors")),
    element(
      "section",
      { class: "card", "aria-labelledby": "unmatched" },
      heading(3, "unmatched", "Any other path or verb"),
      ...paragraphs(whole["x-unmatched"].description, known),
      errorList(whole, errorsOf(whole, whole["x-unmatched"].responses)),
    ),
    ...errors.map(([status, code]) => errorSection(whole, code, status)),
  );
  byId("links").replaceChildren(
    ...groups.flatMap(({ id, name, entries: own }) => [
      element("h3", {}, element("a", { href: `#${id}` }, name)),
      element("ul", {}, ...own.map((entry) => link(entry.id, entry.title))),
    ]),
    element("h3", {}, element("a", { href: "#group-errors" }, "Errors")),
    element(
      "ul",
      {},
      link("unmatched", "Any other path"),
      ...errors.map(([, code]) => link(`error-${code}`, code)),
    ),
  );
}

/** Shows what holds the words, and how many there are. */
function filter() {
  const wanted = byId("filter").value.trim().toLowerCase();
  const sections = [...main.querySelectorAll("section.card")];
  const shown = new Set();
  for (const section of sections) {
    section.hidden = wanted !== "" && !section.textContent.toLowerCase().includes(wanted);
    if (!section.hidden) shown.add(section.getAttribute("aria-labelledby"));
  }
  for (const item of byId("links").querySelectorAll("li"))
    item.hidden = !shown.has(item.querySelector("a").getAttribute("href").slice(1));
  for (const title of byId("links").querySelectorAll("h3"))
    title.hidden = !title.nextElementSibling.querySelector("li:not([hidden])");
  for (const group of main.querySelectorAll(".group")) group.hidden = wanted !== "";
  byId("found").textContent = wanted === "" ? "" : `${shown.size} of ${sections.length}`;
}

/** Leads to what the address names, which was not drawn yet when the browser looked for it. */
function goToHash() {
  const target = byId(decodeURIComponent(location.hash.slice(1)));
  if (!target || !main.contains(target)) return;
  byId("filter").value = "";
  filter();
  target.scrollIntoView();
  target.focus({ preventScroll: true });
}

byId("menu").open = matchMedia("(min-width: 60rem)").matches;
const response = await fetch("/openapi.json");
if (response.ok) {
  const whole = await response.json();
  draw(whole);
  byId("filter").addEventListener("input", filter);
  window.addEventListener("hashchange", goToHash);
  goToHash();
} else {
  byId("loading").textContent = "openapi.json can't be read. Run `npm run docs` and load this page again.";
}
