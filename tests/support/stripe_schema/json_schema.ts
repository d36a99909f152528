import { ts } from "ts-morph";

/** A JSON schema, with the keywords below in addition. */
export type Schema = Readonly<Record<string, unknown>>;

/**
 * How a type is converted: `answer` is JSON, `params` is a decoded form whose leaves are strings, and `previous` is the
 * `previous_attributes` of an event, where every field is optional.
 */
export type Reading = "answer" | "params" | "previous";

/** Additional keywords, which `shapes.ts` implements. */
export const SHAPE = "shape";
export const SHAPE_BY = "shapeBy";
export const EXPANDED = "isExpanded";

const is = (type: ts.Type, flag: ts.TypeFlags) => (type.flags & flag) !== 0;
const anyOf = (schemas: readonly Schema[]): Schema =>
  schemas.length === 1 && schemas[0] ? schemas[0] : { anyOf: schemas };

/**
 * Converts the SDK's types to JSON schemas. Objects and enums are closed, decimals are strings, and expandable fields are
 * ids, or objects if the request expands them.
 */
export class SchemaWriter {
  /** The object schemas by name. Other schemas refer to them with the keyword `shape`. */
  readonly shapes: Record<string, Schema> = {};
  readonly #checker: ts.TypeChecker;
  readonly #names = new Map<string, string>();

  constructor(checker: ts.TypeChecker) {
    this.#checker = checker;
  }

  /** @throws Error if the kind of type is not supported, because the SDK did not use it before */
  write(type: ts.Type, reading: Reading): Schema {
    if (type.isUnion()) return this.#union(type.types, reading);
    if (isDecimal(type)) return { type: "string", pattern: DECIMAL };
    if (isOtherString(type) || is(type, ts.TypeFlags.String)) return { type: "string" };
    if (type.isStringLiteral()) return { const: type.value };
    if (type.isNumberLiteral()) return { const: reading === "params" ? String(type.value) : type.value };
    if (is(type, ts.TypeFlags.Number)) {
      return reading === "params" ? { type: "string", pattern: DECIMAL } : { type: "number" };
    }
    if (is(type, ts.TypeFlags.BooleanLiteral)) return this.#boolean([type], reading);
    if (is(type, ts.TypeFlags.Null)) return reading === "params" ? { const: "" } : { type: "null" };
    if (this.#checker.isArrayType(type)) {
      const [element] = this.#checker.getTypeArguments(type as ts.TypeReference);
      if (element) return { type: "array", items: this.write(element, reading) };
    }
    if (is(type, ts.TypeFlags.Object)) return { [SHAPE]: this.#nameOf(type, reading) };
    if (is(type, ts.TypeFlags.Unknown | ts.TypeFlags.Any)) return {};
    throw new Error(`No schema for ${this.#checker.typeToString(type)}`);
  }

  /** Writes the schema of a list page with items of this type. */
  writeList(type: ts.Type): Schema {
    return {
      type: "object",
      properties: {
        object: { const: "list" },
        data: { type: "array", items: this.write(type, "answer") },
        has_more: { type: "boolean" },
        url: { type: "string" },
      },
      required: ["object", "data", "has_more", "url"],
      additionalProperties: false,
    };
  }

  #union(types: readonly ts.Type[], reading: Reading): Schema {
    const present = types.filter((type) => !is(type, ts.TypeFlags.Undefined | ts.TypeFlags.Void));
    const literals = present.filter((type) => type.isStringLiteral());
    const booleans = present.filter((type) => is(type, ts.TypeFlags.BooleanLiteral));
    const objects = present.filter((type) => is(type, ts.TypeFlags.Object) && !isDecimal(type));
    const rest = present.filter((type) => ![...literals, ...booleans, ...objects].includes(type));
    const closed = rest.filter((type) => literals.length === 0 || !isOtherString(type));
    const plain = [
      ...(literals.length > 0 ? [{ enum: literals.map(({ value }) => value) }] : []),
      ...(booleans.length > 0 ? [this.#boolean(booleans, reading)] : []),
      ...closed.map((type) => this.write(type, reading)),
    ];
    if (objects.length === 0) return anyOf(plain);
    const object = this.#oneObject(objects, reading);
    const isReference =
      reading !== "params" &&
      rest.some((type) => is(type, ts.TypeFlags.String)) &&
      objects.every((type) => type.getProperty("object"));
    if (!isReference) return anyOf([...plain, object]);
    const isNullable = rest.some((type) => is(type, ts.TypeFlags.Null));
    return {
      if: { [EXPANDED]: true },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON schema
      then: isNullable ? anyOf([object, { type: "null" }]) : object,
      else: anyOf(plain),
    };
  }

  /** Writes the schema of a union of objects. If a field has a different constant in each, it selects the object. */
  #oneObject(types: readonly ts.Type[], reading: Reading): Schema {
    for (const field of types.length > 1 ? ["type", "object", "deleted"] : []) {
      const values = types.map((type) => this.#literalOf(type.getProperty(field)));
      if (values.includes(null) || new Set(values).size < values.length) continue;
      const shapes = types.map((type, index) => [values[index], this.#nameOf(type, reading)]);
      return { [SHAPE_BY]: { field, shapes: Object.fromEntries(shapes) } };
    }
    return anyOf(types.map((type) => this.write(type, reading)));
  }

  /** The constant of a field as text, or null if it has several values. The constant of `deleted?: void` is `undefined`. */
  #literalOf(property: ts.Symbol | undefined): string | null {
    const type = property && this.#checker.getNonNullableType(this.#checker.getTypeOfSymbol(property));
    if (!type) return null;
    if (type.isStringLiteral()) return type.value;
    if (is(type, ts.TypeFlags.BooleanLiteral)) return this.#checker.typeToString(type);
    return is(type, ts.TypeFlags.Never | ts.TypeFlags.Void) ? "undefined" : null;
  }

  #boolean(types: readonly ts.Type[], reading: Reading): Schema {
    const values = types.map((type) => this.#checker.typeToString(type) === "true");
    return { enum: reading === "params" ? values.map(String) : values };
  }

  #nameOf(type: ts.Type, reading: Reading): string {
    const key = `${reading} ${idOf(type)}`;
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const plain = this.#checker.typeToString(type).replace(/\W+/g, "_").slice(0, 60);
    const name = `${plain}.${reading}.${this.#names.size}`;
    // The name is stored before the schema is written, because types can be recursive.
    this.#names.set(key, name);
    this.shapes[name] = this.#object(type, reading);
    return name;
  }

  #object(type: ts.Type, reading: Reading): Schema {
    const properties: Record<string, Schema> = {};
    const required: string[] = [];
    for (const property of this.#checker.getPropertiesOfType(type)) {
      const value = this.#checker.getTypeOfSymbol(property);
      // The type `deleted?: void` means that the field never exists.
      if (is(this.#checker.getNonNullableType(value), ts.TypeFlags.Never | ts.TypeFlags.Void)) continue;
      const schema = this.write(value, property.name === "previous_attributes" ? "previous" : reading);
      properties[property.name] = reading === "previous" ? anyOf([schema, { type: "null" }]) : schema;
      const isOptional = (property.flags & ts.SymbolFlags.Optional) !== 0;
      if (!isOptional && reading !== "previous") required.push(property.name);
    }
    const [index] = this.#checker.getIndexInfosOfType(type);
    const values = index && this.write(index.type, reading);
    const additionalProperties =
      values && reading === "previous" ? anyOf([values, { type: "null" }]) : (values ?? false);
    return { type: "object", properties, required, additionalProperties };
  }
}

const DECIMAL = "^-?\\d+(\\.\\d+)?$";

const idOf = (type: ts.Type): number => (type as ts.Type & { id: number }).id;

/** Whether a type is `string & Record<never, never>`, with which the SDK allows any other string in an enum. */
function isOtherString(type: ts.Type): boolean {
  return type.isIntersection() && type.types.some((part) => is(part, ts.TypeFlags.String));
}

function isDecimal(type: ts.Type): boolean {
  return /^Decimal(Impl)?$/.test(type.aliasSymbol?.name ?? type.symbol?.name ?? "");
}
