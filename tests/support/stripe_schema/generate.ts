import { type Schema, SchemaWriter, SHAPE } from "#tests/support/stripe_schema/json_schema.ts";
import { readSdk, type SdkOperation } from "#tests/support/stripe_schema/sdk_operations.ts";

/** What the pinned SDK says of requests, answers and events. */
export interface StripeSchema {
  /** By `POST /v1/customers/:id`. */
  operations: Record<string, { params: Schema; answer: Schema }>;
  event: Schema;
  /** The inside of `{error: {...}}`. */
  error: Schema;
  /** Objects by name. */
  shapes: Record<string, Schema>;
}

const NO_PARAMS: Schema = { type: "object", additionalProperties: false };
/** What the SDK adds to an error on its way to the caller. */
const NOT_ON_THE_WIRE = ["detail", "exception", "headers", "requestId", "statusCode"];

/**
 * Makes JSON schemas out of the pinned SDK's types.
 * @param names the operations, as `POST /v1/customers/:id`
 * @throws Error naming the operations that the SDK does not have
 */
export function generateSchema(names: readonly string[]): StripeSchema {
  const sdk = readSdk();
  const byName = new Map(sdk.operations.map((operation) => [operation.name, operation]));
  const unknown = names.filter((name) => !byName.has(name));
  if (unknown.length > 0) throw new Error(`The SDK does not have ${unknown.join(", ")}`);
  const writer = new SchemaWriter(sdk.checker);
  const wanted = sdk.operations.filter(({ name }) => names.includes(name));
  return {
    operations: Object.fromEntries(wanted.map((operation) => [operation.name, schemasOf(writer, operation)])),
    event: writer.write(sdk.exported("resources/Events.d.ts", "Event"), "answer"),
    error: errorOf(writer, writer.write(sdk.exported("Types.d.ts", "StripeRawError"), "answer")),
    shapes: writer.shapes,
  };
}

function schemasOf(writer: SchemaWriter, { params, answer, isList }: SdkOperation) {
  return {
    params: params ? writer.write(params, "params") : NO_PARAMS,
    answer: isList ? writer.writeList(answer) : writer.write(answer, "answer"),
  };
}

function errorOf({ shapes }: SchemaWriter, schema: Schema): Schema {
  const whole = shapes[String(schema[SHAPE])];
  const properties = Object.entries(whole?.properties ?? {}).filter(
    ([name]) => !NOT_ON_THE_WIRE.includes(name),
  );
  return { ...whole, properties: Object.fromEntries(properties), required: ["type", "message"] };
}
