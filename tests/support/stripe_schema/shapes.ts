import { Ajv, type ErrorObject, type SchemaValidateFunction, type ValidateFunction } from "ajv";
import type { StripeSchema } from "#tests/support/stripe_schema/generate.ts";
import { EXPANDED, type Schema, SHAPE, SHAPE_BY } from "#tests/support/stripe_schema/json_schema.ts";

/** Where something is not as its schema says. */
export interface Violation {
  /** Keys and indexes that lead there. */
  path: string[];
  message: string;
}

/** What ajv hands on to our keywords: the references that a request asked to expand, such as `data.latest_invoice`. */
type Expanded = ReadonlySet<string>;
type DataValidationCxt = NonNullable<Parameters<SchemaValidateFunction>[3]>;
type Check = (expanded: Expanded, data: unknown) => Partial<ErrorObject>[];
interface ShapeBy {
  field: string;
  shapes: Record<string, string>;
}

const NOTHING: Expanded = new Set();
/** These only sum up what others say in detail. */
const SUMMARIES = new Set(["anyOf", "if", SHAPE, SHAPE_BY]);

/** Validates with the SDK's schemas. A shape is compiled when the first object of it comes by: there are thousands. */
export class Shapes {
  readonly #shapes: StripeSchema["shapes"];
  readonly #ajv = new Ajv({
    allErrors: true,
    // Each is used a few times: what compiling it takes counts for more.
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
      const message = `is none that the SDK has: ${value}`;
      return () => [{ keyword: "kind", instancePath: `${instancePath}/${field}`, message, params: {} }];
    });
    const isExpanded = function (this: Expanded, ...[, , , context]: Parameters<SchemaValidateFunction>) {
      const steps = pathOf(context?.instancePath ?? "");
      return this.has(steps.filter((step) => !/^\d+$/.test(step)).join("."));
    };
    this.#ajv.addKeyword({ keyword: EXPANDED, validate: isExpanded, errors: false });
  }

  /** Where data is not as a schema says, at most once a place. */
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
    return found.size > 0 ? [...found.values()] : [{ path: [], message: "is nothing that the SDK has" }];
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
