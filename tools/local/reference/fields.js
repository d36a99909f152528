/** The fields of a request or an answer, and what may be in them. */
import { element, prose } from "/docs/elements.js";

/** What a reference leads to, or the thing itself. */
export function follow(whole, thing) {
  if (!thing?.$ref) return thing;
  return thing.$ref
    .split("/")
    .slice(1)
    .reduce((part, name) => part[name], whole);
}

/** A schema in a few words. */
function words(schema) {
  if (schema.anyOf) return schema.anyOf.map(words).join(" or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" or ");
  if (schema.type === "array") return `list of ${words(schema.items ?? {})}`;
  const type = [schema.type ?? "any value"].flat().join(" or ");
  const kind = schema.format === "date-time" ? type.replace("string", "moment") : type;
  return schema.maxLength ? `${kind}, at most ${schema.maxLength} characters` : kind;
}

/** Every field, those of an object in it behind a dot and those of a list's items behind []. */
function listFields(schema, at = "") {
  return [schema, ...(schema.anyOf ?? [])].flatMap((shape) => [
    ...(shape.items ? listFields(shape.items, `${at}[]`) : []),
    ...Object.entries(shape.properties ?? {}).flatMap(([own, property]) => {
      const name = at === "" ? own : `${at}.${own}`;
      const isRequired = shape.required?.includes(own) === true;
      return [{ name, property, isRequired }, ...listFields(property, name)];
    }),
  ]);
}

/** A list of fields; `marks` says whether what may be left out is marked. */
export function fieldList(schema, { marks = false } = {}) {
  const items = listFields(schema).map(({ name, property, isRequired }) =>
    element(
      "li",
      {},
      element(
        "p",
        { class: "field" },
        element("code", {}, name),
        " ",
        element("span", { class: "quiet" }, words(property)),
        marks && !isRequired ? element("span", { class: "mark" }, "optional") : null,
      ),
      property.description ? element("p", {}, ...prose(property.description)) : null,
    ),
  );
  return element("ul", { class: "fields" }, ...items);
}
