/**
 * Lists the webhooks of the app.
 *
 * Needs the capability `webhooks.manage`. The list has no pages: an app has at most 20 webhooks. The response has no secrets: each is shown
 * once, when it is created.
 */
import { array, strictObject } from "zod/mini";
import { webhookFields, webhookToWire } from "#core/webhooks/webhook_view.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({});
export const response = strictObject({ items: array(webhookFields) });

export const handler = rpc({
  name: "list_webhooks",
  version: "2026-12-01",
  summary: "Lists the webhooks of the app.",
  access: "cap:webhooks.manage",
  request,
  isBodyOptional: true,
  response,
  errors: ["reauthentication_required"],
  reads: ({ core }) => core.webhooks.list(),
  async run({ reads: webhooks }) {
    return { items: webhooks.map(webhookToWire) };
  },
});
