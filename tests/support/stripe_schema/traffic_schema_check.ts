import { idsOf } from "#stripe_double/route.ts";
import { stripeRoutes } from "#stripe_double/stripe_routes.ts";
import type { ForcedFields, RecordedRequest, TrafficRecord } from "#stripe_double/traffic.ts";
import type { StripeSchema } from "#tests/support/stripe_schema/generate.ts";
import { Shapes, type Violation } from "#tests/support/stripe_schema/shapes.ts";

const ROUTES = stripeRoutes({ base: "", returnUrl: null });

/** The operation of a request, such as `GET /v1/customers/:id`, or null if the double does not have it. */
export function operationOf({ method, path }: Pick<RecordedRequest, "method" | "path">): string | null {
  const route = ROUTES.find((candidate) => candidate.method === method && idsOf(candidate, path) !== null);
  return route ? `${route.method} ${route.path}` : null;
}

/** Checks the double's traffic against the schema generated from Stripe's SDK. */
export class TrafficSchemaCheck {
  readonly #schema: StripeSchema;
  readonly #shapes: Shapes;

  constructor(schema: StripeSchema) {
    this.#schema = schema;
    this.#shapes = new Shapes(schema);
  }

  /** The schema errors of a record. Each line names operation and field. */
  errorsOf(record: TrafficRecord): string[] {
    if (record.kind === "call") return this.#errorsOfCall(record.request, record.forced);
    const event = JSON.parse(record.body);
    const violations = this.#shapes.violations(this.#schema.event, event);
    return inWords(`event ${event?.type}`, event, withoutForced(event, violations, record.forced));
  }

  #errorsOfCall(request: RecordedRequest, forced: ForcedFields): string[] {
    const name = operationOf(request);
    const operation = name === null ? undefined : this.#schema.operations[name];
    const { method, path, params, status, answer } = request;
    if (!name || !operation) return [`${method} ${path}: unknown operation of Stripe or of the double`];
    // With a wrong key, Stripe does not validate the parameters.
    const inParams = status === 401 ? [] : this.#shapes.violations(operation.params, params);
    const errors = inWords(`${name}, parameters`, params, inParams);
    if (status === null) return errors;
    const expanded = expandedBy(params.expand);
    const inAnswer =
      status < 300
        ? this.#shapes.violations(operation.answer, answer, expanded)
        : this.#shapes.violations(errorBody(this.#schema), answer);
    return [
      ...errors,
      ...inWords(`${name}, answer ${status}`, answer, withoutForced(answer, inAnswer, forced)),
    ];
  }
}

const errorBodies = new WeakMap<StripeSchema, object>();
/** The schema of an error response. The same object is returned each time, so that ajv compiles it once. */
function errorBody(schema: StripeSchema) {
  const { error } = schema;
  const body = errorBodies.get(schema) ?? {
    type: "object",
    properties: { error },
    required: ["error"],
    additionalProperties: false,
  };
  errorBodies.set(schema, body);
  return body as Record<string, unknown>;
}

/** The expanded paths of a request. `a.b` also expands `a`. */
function expandedBy(expand: unknown): Set<string> {
  const paths = Array.isArray(expand) ? expand.map(String) : [];
  return new Set(
    paths.flatMap((path) => {
      const steps = path.split(".");
      return steps.map((_, index) => steps.slice(0, index + 1).join("."));
    }),
  );
}

/** Removes the violations in fields that a control of the double overwrote. */
function withoutForced(value: unknown, violations: readonly Violation[], forced: ForcedFields): Violation[] {
  return violations.filter(({ path }) => {
    let node = value as Record<string, unknown> | null | undefined;
    for (const step of path) {
      if (forced.get(String(node?.id))?.has(step)) return false;
      node = node?.[step] as Record<string, unknown> | null | undefined;
    }
    return true;
  });
}

function inWords(what: string, value: unknown, violations: readonly Violation[]): string[] {
  return violations.map(({ path, message }) => {
    const found = path.reduce<unknown>(
      (node, step) => (node as Record<string, unknown> | null)?.[step],
      value,
    );
    return `${what}: ${path.join(".") || "(root)"} ${message}, found ${JSON.stringify(found)?.slice(0, 60)}`;
  });
}
