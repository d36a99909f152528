/** A document of a collection: the name of its interface, such as `Session`, and its fields. */
interface Entity {
  name: string;
  fields: readonly { name: string; type: string }[];
}

/** A name that Mermaid accepts: `refresh-tokens` becomes `refresh_tokens`. */
const idOf = (collection: string) => collection.replaceAll("-", "_");

/** How many documents can have one value of the field, as Mermaid draws it. */
const manyEnd = ({ type }: { type: string }) => (type.includes("[]") ? "}o--o{" : "||--o{");

/** A field that refers to a document of another collection. */
interface Link {
  field: Entity["fields"][number];
  from: string;
  to: string;
}

/** A field refers to another collection if it is named after its documents: `sessionId`, `replacedSubscriptionIds`. */
function linksOf(documents: ReadonlyMap<string, Entity>): Link[] {
  return [...documents].flatMap(([from, { fields }]) =>
    fields.flatMap((field) => {
      const [, named = ""] = /([A-Z]?[a-z]+)Ids?$/.exec(field.name) ?? [];
      const [to] = [...documents].find(([, { name }]) => name.toLowerCase() === named.toLowerCase()) ?? [];
      return to === undefined || to === from || field.name.startsWith("stp") ? [] : [{ field, from, to }];
    }),
  );
}

/** A diagram of the collections that fields connect, in Mermaid. Of each collection it shows these fields only. */
export function dataModelDiagram(documents: ReadonlyMap<string, Entity>): string {
  const links = linksOf(documents);
  const linked = [...documents.keys()].filter((name) =>
    links.some(({ from, to }) => [from, to].includes(name)),
  );
  const entities = linked.flatMap((name) => {
    const fields = links
      .filter(({ from }) => from === name)
      .map(({ field }) => `    string ${field.name} FK`);
    return [`  ${idOf(name)} {`, "    string _id PK", ...fields, "  }"];
  });
  const lines = links.map(
    ({ field, from, to }) => `  ${idOf(to)} ${manyEnd(field)} ${idOf(from)} : ${field.name}`,
  );
  const title = "  accTitle: The collections and the fields that connect them";
  return ["```mermaid", "erDiagram", title, ...entities, ...lines, "```"].join("\n");
}
