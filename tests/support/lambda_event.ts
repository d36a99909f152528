import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { V2 } from "#tests/support/nest.ts";
import { toEvent } from "#tools/local/gateway.ts";

/** What a function gets from API Gateway for a body in JSON. */
function toPost(path: string, body: string, more: Record<string, string> = {}): APIGatewayProxyEventV2 {
  const headers = { "content-type": "application/json", ...more };
  const incoming = { method: "POST", path, headers, body: Buffer.from(body), ip: "203.0.113.9" };
  return toEvent(incoming, `POST ${path}`);
}

/** What the webhook's function gets for a signed body. */
export function toWebhookEvent(body: string, signature: string): APIGatewayProxyEventV2 {
  return toPost("/1/webhook/stripe", body, { "stripe-signature": signature });
}

/** What the function gets that starts trials. */
export function toTrialEvent(body: string): APIGatewayProxyEventV2 {
  return toPost(`${V2}create_trial_and_magic_link`, body);
}
