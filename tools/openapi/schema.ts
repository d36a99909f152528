import { toJSONSchema } from "zod";
import type { ZodMiniType } from "zod/mini";
import { FIELDS, type Words } from "#tools/openapi/fields.ts";
import type { Schema } from "#tools/openapi/types.ts";

/** The names of `FIELDS` that some schema has asked for; what is left over is dead prose. */
export const usedFields = new Set<string>();

/** @throws Error if nobody has said what the field means */
function wordsOf(method: string, path: string, name: string): Words {
  const key = [`${method}.${path}`, name].find((candidate) => Object.hasOwn(FIELDS, candidate));
  const words = key === undefined ? undefined : FIELDS[key];
  if (key === undefined || !words)
    throw new Error(`tools/openapi/fields.ts says nothing of ${name} (${method}.${path}).`);
  usedFields.add(key);
  return words;
}

const isNull = (schema: Schema) => schema.type === "null";

/** Narrows the schema of a value; if it may be null, it still may. */
function narrowed(schema: Schema, narrows: Schema = {}): Schema {
  const orNull = Array.isArray(schema.type) && narrows.enum ? { enum: [...narrows.enum, null] } : {};
  return { ...schema, ...narrows, ...orNull };
}

/** Adds the words to every field below, whose paths join names by dots and mark a list's items by `[]`. */
function withWords(schema: Schema, method: string, at = ""): Schema {
  const inner = (shape: Schema): Schema => withWords(shape, method, at);
  return {
    ...schema,
    ...(schema.anyOf ? { anyOf: schema.anyOf.map(inner) } : {}),
    ...(schema.items ? { items: withWords(schema.items, method, `${at}[]`) } : {}),
    ...(schema.properties ? { properties: propertiesWithWords(schema.properties, method, at) } : {}),
  };
}

function propertiesWithWords(
  properties: Readonly<Record<string, Schema>>,
  method: string,
  at: string,
): Record<string, Schema> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => {
      const path = at === "" ? name : `${at}.${name}`;
      const { says, example, narrows } = wordsOf(method, path, name);
      const { description: _none, ...inner } = withWords(narrowed(property, narrows), method, path);
      return [
        name,
        { description: says, ...inner, ...(example === undefined ? {} : { examples: [example] }) },
      ];
    }),
  );
}

/**
 * The JSON Schema of a declared request or response, every field with its meaning and an example.
 * @throws Error if a field has no words in `FIELDS`
 */
export function documentedSchema(type: ZodMiniType, method: string): Schema {
  const { $schema: _dialect, ...schema } = toJSONSchema(type) as Schema & { $schema?: string };
  return withWords(schema, method);
}

/** A value of a schema, made of its fields' examples. */
export function exampleOf(schema: Schema): unknown {
  if (schema.examples) return schema.examples[0];
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  const shape = schema.anyOf?.find((candidate) => !isNull(candidate));
  if (shape) return exampleOf(shape);
  if (schema.items) return [exampleOf(schema.items)];
  if (schema.properties)
    return Object.fromEntries(
      Object.entries(schema.properties).map(([name, property]) => [name, exampleOf(property)]),
    );
  throw new Error(`No example can be made of ${JSON.stringify(schema)}`);
}
