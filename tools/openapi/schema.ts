import { toJSONSchema } from "zod";
import type { ZodMiniType } from "zod/mini";
import type { FieldDocumentation } from "#tools/openapi/field_documentation.ts";
import { FIELDS } from "#tools/openapi/fields.ts";
import type { Schema } from "#tools/openapi/types.ts";

/** The keys of `FIELDS` that some schema uses. `buildDocument` rejects the others as dead. */
export const usedFields = new Set<string>();

/** @throws Error if the field has no description */
function documentationOf(method: string, path: string, name: string): FieldDocumentation {
  const key = [`${method}.${path}`, name].find((candidate) => Object.hasOwn(FIELDS, candidate));
  const documentation = key === undefined ? undefined : FIELDS[key];
  if (key === undefined || !documentation)
    throw new Error(
      `The field ${method}.${path} has no description. Add ${name} to tools/openapi/fields.ts.`,
    );
  usedFields.add(key);
  return documentation;
}

const isNull = (schema: Schema) => schema.type === "null";

/** Narrows the schema of a value. A nullable value stays nullable. */
function narrowed(schema: Schema, narrows: Schema = {}): Schema {
  if (!Array.isArray(schema.type)) return { ...schema, ...narrows };
  return {
    ...{ ...schema, ...narrows },
    ...(narrows.enum && { enum: [...narrows.enum, null] }),
    ...(narrows.type && { type: [narrows.type, "null"].flat() }),
  };
}

/** Adds the description to every field of a schema. A path joins names by dots and marks the items of a list by `[]`. */
function withDescriptions(schema: Schema, method: string, at = ""): Schema {
  const inner = (shape: Schema): Schema => withDescriptions(shape, method, at);
  return {
    ...schema,
    ...(schema.anyOf ? { anyOf: schema.anyOf.map(inner) } : {}),
    ...(schema.items ? { items: withDescriptions(schema.items, method, `${at}[]`) } : {}),
    ...(schema.properties ? { properties: describedProperties(schema.properties, method, at) } : {}),
  };
}

function describedProperties(
  properties: Readonly<Record<string, Schema>>,
  method: string,
  at: string,
): Record<string, Schema> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => {
      const path = at === "" ? name : `${at}.${name}`;
      const { description, example, narrows } = documentationOf(method, path, name);
      const { description: _replaced, ...inner } = withDescriptions(
        narrowed(property, narrows),
        method,
        path,
      );
      return [name, { description, ...inner, ...(example === undefined ? {} : { examples: [example] }) }];
    }),
  );
}

/**
 * The JSON Schema of a declared request or response, with a description and an example for every field.
 * @throws Error if a field has no entry in `FIELDS`
 */
export function documentedSchema(type: ZodMiniType, method: string): Schema {
  const { $schema: _dialect, ...schema } = toJSONSchema(type) as Schema & { $schema?: string };
  return withDescriptions(schema, method);
}

/** A sample value of a schema, built from the examples of its fields. */
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
  throw new Error(`Cannot build an example of ${JSON.stringify(schema)}`);
}
