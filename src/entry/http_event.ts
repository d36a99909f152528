import type { APIGatewayProxyEventV2 } from "aws-lambda";

/** Whether an event is an HTTP request in payload format 2.0 of API Gateway, the only format that the functions read. */
export function isHttpEvent(event: unknown): event is APIGatewayProxyEventV2 {
  const { rawPath, requestContext } = fieldsOf(event);
  const { method, path, sourceIp } = fieldsOf(fieldsOf(requestContext).http);
  return [rawPath, method, path, sourceIp].every((value) => typeof value === "string");
}

/**
 * Describes an event that `isHttpEvent` refuses, and says what to change in the deployment.
 * @returns a text without data of the event
 */
export function describeForeignEvent(event: unknown): string {
  const { requestContext, httpMethod, source, Records } = fieldsOf(event);
  const { elb, connectionId } = fieldsOf(requestContext);
  if (elb !== undefined)
    return "an event of a load balancer; route requests through an HTTP API of API Gateway";
  if (connectionId !== undefined) return "an event of a WebSocket API; use an HTTP API";
  if (httpMethod !== undefined)
    return "an HTTP request in payload format 1.0; set PayloadFormatVersion of the integration to 2.0";
  if (Array.isArray(Records))
    return "records of a queue, topic or bucket; remove this trigger of the function";
  if (source !== undefined) return "a scheduled event or a warm-up ping; remove its rule or plugin";
  return "a direct invocation without an HTTP request";
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
