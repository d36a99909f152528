import { idsOf } from "#stripe_double/route.ts";
import { stripeRoutes } from "#stripe_double/stripe_routes.ts";
import type { ForcedFields, RecordedRequest, TrafficRecord } from "#stripe_double/traffic.ts";
import type { StripeSchema } from "#tests/support/stripe_schema/generate.ts";
import { Shapes, type Violation } from "#tests/support/stripe_schema/shapes.ts";

const ROUTES = stripeRoutes({ base: "", returnUrl: null });

/** The operation that a request asks for, as `GET /v1/customers/:id`; null if the double has none. */
export function operationOf({ method, path }: Pick<RecordedRequest, "method" | "path">): string | null {
  const route = ROUTES.find((candidate) => candidate.method === method && idsOf(candidate, path) !== null);
  return route ? `${route.method} ${route.path}` : null;
}

/** Holds the double's traffic against what the pinned SDK says of Stripe. */
export class TrafficSchemaCheck {
  readonly #schema: StripeSchema;
  readonly #shapes: Shapes;

  constructor(schema: StripeSchema) {
    this.#schema = schema;
    this.#shapes = new Shapes(schema);
  }

  /** What is wrong with an exchange, a line each that names operation and field; nothing if all is well. */
  schemaErrors(exchange: TrafficRecord): string[] {
    if (exchange.kind === "call") return this.#faultsOfCall(exchange.request, exchange.forced);
    const event = JSON.parse(exchange.body);
    const violations = this.#shapes.violations(this.#schema.event, event);
    return inWords(`event ${event?.type}`, event, unforced(event, violations, exchange.forced));
  }

  #faultsOfCall(request: RecordedRequest, forced: ForcedFields): string[] {
    const name = operationOf(request);
    const operation = name === null ? undefined : this.#schema.operations[name];
    const { method, path, params, status, answer } = request;
    if (!name || !operation)
      return [`${method} ${path}: Stripe has no such operation, or the double lacks it`];
    // Without a good key nobody looks at the parameters.
    const asked = status === 401 ? [] : this.#shapes.violations(operation.params, params);
    const faults = inWords(`${name}, parameters`, params, asked);
    if (status === null) return faults;
    const expanded = expandedBy(params.expand);
    const answered =
      status < 300
        ? this.#shapes.violations(operation.answer, answer, expanded)
        : this.#shapes.violations(errorBody(this.#schema), answer);
    return [...faults, ...inWords(`${name}, answer ${status}`, answer, unforced(answer, answered, forced))];
  }
}

const errorBodies = new WeakMap<StripeSchema, object>();
/** One and the same for a schema, so that it is compiled once. */
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

/** `a.b` asks for `a` too. */
function expandedBy(expand: unknown): Set<string> {
  const paths = Array.isArray(expand) ? expand.map(String) : [];
  return new Set(
    paths.flatMap((path) => {
      const steps = path.split(".");
      return steps.map((_, index) => steps.slice(0, index + 1).join("."));
    }),
  );
}

/** The violations but for those in fields that a control was told to write. */
function unforced(value: unknown, violations: readonly Violation[], forced: ForcedFields): Violation[] {
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
    return `${what}: ${path.join(".") || "all of it"} ${message}, and is ${JSON.stringify(found)?.slice(0, 60)}`;
  });
}
