/** A document of a collection: the name of its interface, such as `Session`, and its fields. */
interface Entity {
  name: string;
  fields: readonly { name: string; type: string }[];
}

/** A name that Mermaid accepts: `refresh-tokens` becomes `refresh_tokens`. */
const idOf = (collection: string) => collection.replaceAll("-", "_");

/** How many documents can have one value of the field, as Mermaid draws it. */
const manyEnd = ({ type }: { type: string }) => (type.includes("[]") ? "}o--o{" : "||--o{");

/**
 * A diagram of the collections in Mermaid. A field refers to another collection if it is named after its documents:
 * `sessionId`, `keptSubscriptionId`, `replacedSubscriptionIds`.
 */
export function dataModelDiagram(documents: ReadonlyMap<string, Entity>): string {
  const lines = [...documents].flatMap(([collection, { fields }]) =>
    fields.flatMap((field) => {
      const [, named = ""] = /([A-Z]?[a-z]+)Ids?$/.exec(field.name) ?? [];
      const target = [...documents].find(
        ([, { name }]) => name.toLowerCase() === named.toLowerCase() && !field.name.startsWith("stp"),
      );
      if (!target || target[0] === collection) return [];
      return [`  ${idOf(target[0])} ${manyEnd(field)} ${idOf(collection)} : ${field.name}`];
    }),
  );
  return [
    "```mermaid",
    "erDiagram",
    "  accTitle: The collections and the fields that connect them",
    ...lines,
    "```",
  ].join("\n");
}
