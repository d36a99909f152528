import { Ajv, type ErrorObject, type SchemaValidateFunction, type ValidateFunction } from "ajv";
import type { StripeSchema } from "#tests/support/stripe_schema/generate.ts";
import { EXPANDED, type Schema, SHAPE, SHAPE_BY } from "#tests/support/stripe_schema/json_schema.ts";

/** One violation of a schema. */
export interface Violation {
  /** The keys and indexes of the invalid value. */
  path: string[];
  message: string;
}

/** The paths that a request expanded, such as `data.latest_invoice`. ajv passes them to the keywords as `this`. */
type Expanded = ReadonlySet<string>;
type DataValidationCxt = NonNullable<Parameters<SchemaValidateFunction>[3]>;
type Check = (expanded: Expanded, data: unknown) => Partial<ErrorObject>[];
interface ShapeBy {
  field: string;
  shapes: Record<string, string>;
}

const NOTHING: Expanded = new Set();
/** Errors of these keywords only repeat more specific errors. */
const SUMMARIES = new Set(["anyOf", "if", SHAPE, SHAPE_BY]);

/** Validates values with the generated schemas. There are thousands of shapes, so each is compiled at its first use. */
export class Shapes {
  readonly #shapes: StripeSchema["shapes"];
  readonly #ajv = new Ajv({
    allErrors: true,
    // Each schema is used a few times, so the time to compile it matters more.
    code: { optimize: false },
    meta: false,
    passContext: true,
    strict: false,
    validateSchema: false,
  });
  readonly #compiled = new Map<Schema, ValidateFunction>();

  constructor({ shapes }: Pick<StripeSchema, "shapes">) {
    this.#shapes = shapes;
    this.#add(SHAPE, (name: string, _data, context) => this.#check(name, context));
    this.#add(SHAPE_BY, ({ field, shapes: byValue }: ShapeBy, data, { instancePath, ...context }) => {
      const value = (data as Record<string, unknown> | null)?.[field];
      const name = byValue[String(value)];
      if (name !== undefined) return this.#check(name, { instancePath, ...context });
      const message = `is not known to the SDK: ${value}`;
      return () => [{ keyword: "kind", instancePath: `${instancePath}/${field}`, message, params: {} }];
    });
    const isExpanded = function (this: Expanded, ...[, , , context]: Parameters<SchemaValidateFunction>) {
      const steps = pathOf(context?.instancePath ?? "");
      return this.has(steps.filter((step) => !/^\d+$/.test(step)).join("."));
    };
    this.#ajv.addKeyword({ keyword: EXPANDED, validate: isExpanded, errors: false });
  }

  /** The violations of a schema, one for each place and keyword. */
  violations(schema: Schema, data: unknown, expanded = NOTHING): Violation[] {
    const validate = this.#compile(schema);
    if (validate.call(expanded, data)) return [];
    const found = new Map<string, Violation>();
    for (const { keyword, instancePath, message = keyword, params } of validate.errors ?? []) {
      if (SUMMARIES.has(keyword) || params.type === "null") continue;
      const field: string | undefined = params.additionalProperty ?? params.missingProperty;
      const path = [...pathOf(instancePath), ...(field === undefined ? [] : [field])];
      const values = params.allowedValues ? `: ${params.allowedValues.join(", ")}` : "";
      found.set(`${path.join("/")} ${keyword}`, { path, message: `${message}${values}` });
    }
    return found.size > 0 ? [...found.values()] : [{ path: [], message: "matches no type of the SDK" }];
  }

  #compile(schema: Schema): ValidateFunction {
    const known = this.#compiled.get(schema);
    if (known) return known;
    const compiled = this.#ajv.compile(schema);
    this.#compiled.set(schema, compiled);
    return compiled;
  }

  #check(name: string, context: DataValidationCxt): Check {
    return (expanded, data) => {
      const validate = this.#compile(this.#shapes[name] ?? {});
      return validate.call(expanded, data, context) ? [] : (validate.errors ?? []);
    };
  }

  #add<Value>(
    keyword: string,
    find: (value: Value, data: unknown, context: DataValidationCxt) => Check,
  ): void {
    const validate: SchemaValidateFunction = function (this: unknown, value, data, _parent, context) {
      const errors = context ? find(value, data, context)(this as Expanded, data) : [];
      validate.errors = errors;
      return errors.length === 0;
    };
    this.#ajv.addKeyword({ keyword, validate, errors: "full" });
  }
}

function pathOf(instancePath: string): string[] {
  return instancePath
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}
