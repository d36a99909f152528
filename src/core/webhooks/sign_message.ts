import { createHmac } from "node:crypto";
import type { WebhookMessage } from "#core/repositories/webhook_messages.ts";
import { bytesOfSecret } from "#core/webhooks/webhook_keys.ts";

/**
 * The headers of a request that sends a message, signed as Standard Webhooks 1.0 says: HMAC-SHA256 of id, time and body.
 * @param at of this attempt
 * @param secrets `whsec_...`; each gives one signature, so that a receiver accepts messages while it replaces its secret
 */
export function signedHeaders(
  { _id, body }: Pick<WebhookMessage, "_id" | "body">,
  at: Date,
  secrets: readonly string[],
): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const signatures = secrets.map((secret) => {
    const hmac = createHmac("sha256", bytesOfSecret(secret)).update(`${_id}.${timestamp}.${body}`);
    return `v1,${hmac.digest("base64")}`;
  });
  return {
    "content-type": "application/json",
    "user-agent": "Nest-Webhooks/1.0",
    "webhook-id": _id,
    "webhook-timestamp": timestamp,
    "webhook-signature": signatures.join(" "),
  };
}
