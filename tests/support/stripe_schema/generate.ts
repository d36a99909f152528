import { type Schema, SchemaWriter, SHAPE } from "#tests/support/stripe_schema/json_schema.ts";
import { readSdk, type SdkOperation } from "#tests/support/stripe_schema/sdk_operations.ts";

/** The schemas of requests, responses and events, generated from the SDK's types. */
export interface StripeSchema {
  /** The key is an operation such as `POST /v1/customers/:id`. */
  operations: Record<string, { params: Schema; answer: Schema }>;
  event: Schema;
  /** The `error` object of an error response. */
  error: Schema;
  /** The object schemas by name. */
  shapes: Record<string, Schema>;
}

const NO_PARAMS: Schema = { type: "object", additionalProperties: false };
/** The fields that the SDK adds to an error. They are not in the response. */
const NOT_ON_THE_WIRE = ["detail", "exception", "headers", "requestId", "statusCode"];

/**
 * Generates JSON schemas from the SDK's types.
 * @param names the operations, such as `POST /v1/customers/:id`
 * @throws Error that names the operations that the SDK does not have
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
