import { readdir, readFile } from "node:fs/promises";
import type { IndexDescription } from "mongodb";
import { REPOSITORIES } from "#core/repositories/all.ts";
import { COLLECTIONS } from "#core/repositories/index_setup.ts";
import { dataModelDiagram } from "#tools/docs/data_model_diagram.ts";

export const path = "docs/data_model.md";

const FOLDER = new URL("../../../src/core/repositories/", import.meta.url);

/** Texts that are not in the code. */
interface Words {
  /** The fields of Nest's published documents, by collection. Other stored fields were added later. */
  published: Readonly<Record<string, readonly string[]>>;
  /** The meaning of fields without a comment, by name. */
  meanings: Readonly<Record<string, string>>;
}

interface Field {
  name: string;
  type: string;
  comment: string;
}
interface Shape {
  name: string;
  /** The interfaces that it extends. */
  bases: readonly string[];
  comment: string;
  fields: Field[];
}

const WORDS: Words = JSON.parse(await readFile(new URL("./data_model.json", import.meta.url), "utf8"));

/** The text of a doc comment. Ids become code, since a page takes their `<ksuid>` for a tag. */
const bare = (comment: string) =>
  comment
    .replace(/^\s*\/?\*+\/?|\*\/\s*$/gm, "")
    .replace(/ \(contract [^)]+\)| Not in the published documents\./g, "")
    .replace(/\w+_<[^>]+>/g, "`$&`")
    .replace(/\s+/g, " ")
    .trim();

/** Reads the interfaces of a source text. @throws Error at a field that spans several lines */
function readInterfaces(text: string): Shape[] {
  const found = text.matchAll(
    /(\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?(?:export )?interface (\w+)(?: extends ([\w, ]+))? \{\n([\s\S]*?)\n\}/g,
  );
  return [...found].map(([, comment = "", name = "", base = "", body = ""]) => ({
    name,
    bases: base === "" ? [] : base.split(", "),
    comment: bare(comment),
    fields: readFields(name, body),
  }));
}

function readFields(owner: string, body: string): Field[] {
  const fields: Field[] = [];
  let comment = "";
  for (const line of body.split("\n")) {
    const [, name, optional, type = ""] = /^ {2}(\w+)(\??): (.+);$/.exec(line) ?? [];
    if (name !== undefined) {
      fields.push({ name, type: optional ? `${type} | undefined` : type, comment: bare(comment) });
      comment = "";
    } else if (/^\s*\/?\*/.test(line)) comment += `${line}\n`;
    else throw new Error(`tools/docs/pages/data_model.ts can't read "${line.trim()}" of ${owner}`);
  }
  return fields;
}

/** Exported unions of literals, written out. */
function readUnions(text: string): [name: string, values: string][] {
  return [...text.matchAll(/export type (\w+) = ([^;]+);/g)].map(([, name = "", written = ""]) => {
    const [, array] = /^\(typeof (\w+)\)\[number\]$/.exec(written) ?? [];
    const [, items] = new RegExp(`const ${array} = \\[([^\\]]+)\\]`).exec(text) ?? [];
    const values = items === undefined ? written : items.replace(/,\s*$/, "").replaceAll(",", " |");
    return [name, values.replace(/\s+/g, " ").replace(/^ ?\| /, "")];
  });
}

const table = (fields: readonly Field[]) => ({
  head: ["Field", "Type", "Meaning"],
  rows: fields.map(({ name, type, comment }) => [
    `\`${name}\``,
    `\`${type}\``,
    comment || (WORDS.meanings[name] ?? ""),
  ]),
});

function indexLine({ key, unique, partialFilterExpression, expireAfterSeconds }: IndexDescription): string {
  const properties = [
    ...(unique ? ["unique"] : []),
    ...(partialFilterExpression ? [`only where \`${JSON.stringify(partialFilterExpression)}\``] : []),
    ...(expireAfterSeconds === undefined ? [] : [`TTL of ${expireAfterSeconds} seconds`]),
  ];
  return [`- \`${JSON.stringify(key)}\``, ...properties].join(", ");
}

/** Finds a shape by name, with the fields of its bases after its own; null if there is none. */
function whole(shapes: ReadonlyMap<string, Shape>, name: string): Shape | null {
  const shape = shapes.get(name);
  if (!shape) return null;
  const inherited = shape.bases.flatMap((base) => whole(shapes, base)?.fields ?? []);
  return { ...shape, fields: [...shape.fields, ...inherited] };
}

interface Model {
  /** By collection. */
  documents: Map<string, Shape>;
  /** The interfaces that the fields of these documents use. */
  parts: Shape[];
  unions: [name: string, values: string][];
}

function repositoriesByCollection() {
  return Object.values(REPOSITORIES).sort((one, other) =>
    one.collectionName < other.collectionName ? -1 : 1,
  );
}

async function readModel(): Promise<Model> {
  const files = (await readdir(FOLDER)).filter((file) => file.endsWith(".ts")).sort();
  const texts = await Promise.all(files.map((file) => readFile(new URL(file, FOLDER), "utf8")));
  const shapes = new Map(texts.flatMap(readInterfaces).map((shape) => [shape.name, shape]));
  const documents = new Map<string, Shape>();
  for (const { name, collectionName } of repositoriesByCollection()) {
    // A document's interface is named after its repository: `Session` for `SessionRepository`.
    const documentName = name.replace(/Repository$/, "");
    const shape = whole(shapes, documentName);
    if (!shape) throw new Error(`${name}'s file exports no interface ${documentName}`);
    documents.set(collectionName, shape);
    shapes.delete(documentName);
  }
  const types = [...documents.values(), ...shapes.values()].flatMap(({ fields }) =>
    fields.map(({ type }) => type),
  );
  const isUsed = (name: string) => types.some((type) => new RegExp(`\\b${name}\\b`).test(type));
  return {
    documents,
    parts: [...shapes.values()].filter(({ name }) => isUsed(name)),
    unions: texts.flatMap(readUnions).filter(([name]) => isUsed(name)),
  };
}

function beyondPublished(documents: ReadonlyMap<string, Shape>) {
  const rows = [...documents].flatMap(([collection, { fields }]) => {
    const published = WORDS.published[collection];
    const added = published ? fields.filter(({ name }) => !published.includes(name)) : [];
    return added.map(({ name, comment }) => [
      `\`${collection}\``,
      `\`${name}\``,
      comment || (WORDS.meanings[name] ?? ""),
    ]);
  });
  const ours = [...documents.keys()]
    .filter((name) => !(name in WORDS.published))
    .map((name) => `\`${name}\``);
  return [
    "## Fields beyond the published documents",
    "Nest stores these fields in addition to the fields of its published documents. `_id` holds the documented `id`. " +
      "`verifiedAt` of an identifier may be null; the published documents have a string.",
    { head: ["Collection", "Field", "Meaning"], rows },
    `These collections are not in the published documents: ${ours.join(", ")}.`,
  ];
}

export async function render() {
  const { documents, parts, unions } = await readModel();
  return [
    "# Data model",
    "The collections of the database, with every field and index. For developers and for operators who query the database. " +
      "It is generated from `src/core/repositories`.",
    "Times are ISO 8601 strings in UTC with milliseconds. A BSON date is used only where a TTL index needs one. " +
      "`purgeAt` is 30 days after a document's end, or after a mail event; tokens have their own dates. " +
      "`npm run nest -- db setup` creates every index; no request creates one.",
    "Collections and the fields that connect them. A collection without a line stands alone, or refers to Stripe's objects only.",
    dataModelDiagram(documents),
    ...[...documents].flatMap(([collection, { comment, fields }]) => [
      `## ${collection}`,
      ...(comment ? [comment] : []),
      table(fields),
      (COLLECTIONS[collection] ?? []).map(indexLine).join("\n") || "Only the index of `_id`.",
    ]),
    "## Parts of documents",
    ...parts.flatMap(({ name, comment, fields }) => [
      `### ${name}`,
      ...(comment ? [comment] : []),
      table(fields),
    ]),
    { head: ["Type", "Values"], rows: unions.map(([name, values]) => [`\`${name}\``, `\`${values}\``]) },
    ...beyondPublished(documents),
  ];
}
