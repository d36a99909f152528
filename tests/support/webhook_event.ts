import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { toEvent } from "#local/gateway.ts";

/** What the webhook's function gets from API Gateway for a signed body. */
export function toWebhookEvent(body: string, signature: string): APIGatewayProxyEventV2 {
  const path = "/1/webhook/stripe";
  const headers = { "content-type": "application/json", "stripe-signature": signature };
  return toEvent(
    { method: "POST", path, headers, body: Buffer.from(body), ip: "203.0.113.9" },
    `POST ${path}`,
  );
}
