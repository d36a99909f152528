import { array, boolean, object, optional, string } from "zod/mini";
import { asJson } from "#adapters/service_authentication/answers.ts";
import { adapterRoute } from "#entry/adapter_declaration.ts";
import { handler as createWebhook } from "#methods/2026-12-01/webhooks/create_webhook.ts";
import { handler as deleteWebhook } from "#methods/2026-12-01/webhooks/delete_webhook.ts";
import { handler as listWebhooks } from "#methods/2026-12-01/webhooks/list_webhooks.ts";
import { handler as updateWebhook } from "#methods/2026-12-01/webhooks/update_webhook.ts";

const WEBHOOK_ID = "The webhook's id, in the path.";
const FIELDS = {
  url: "The `https` URL that gets messages.",
  events: 'The events, such as `["user.created"]`, or `["*"]`.',
  description: "A note for people.",
};
const DESCRIPTION = optional(string());

/** Webhooks of the app, for callers with the capability `webhooks.manage`. */
export const webhookRoutes = [
  adapterRoute({
    verb: "GET",
    path: "/webhooks",
    summary: "Lists the webhooks.",
    method: listWebhooks,
    credential: "caller",
    request: object({}),
    fields: {},
    toMethod: () => ({}),
    answer: "`items`, without secrets.",
    toAnswer: asJson,
    errors: {},
  }),
  adapterRoute({
    verb: "POST",
    path: "/webhooks",
    summary: "Creates a webhook.",
    method: createWebhook,
    credential: "caller",
    request: object({ url: string(), events: array(string()), description: DESCRIPTION }),
    fields: FIELDS,
    toMethod: (asked) => asked,
    answer: "`webhook`, and the `secret` that signs messages. No later answer has the secret.",
    toAnswer: asJson,
    errors: {},
  }),
  adapterRoute({
    verb: "PUT",
    path: "/webhooks/{webhook_id}",
    summary: "Changes a webhook. Fields that are absent stay.",
    method: updateWebhook,
    credential: "caller",
    request: object({
      ...{ webhook_id: string(), url: optional(string()), events: optional(array(string())) },
      ...{ description: DESCRIPTION, enabled: optional(boolean()) },
    }),
    fields: { webhook_id: WEBHOOK_ID, ...FIELDS, enabled: "Whether the webhook gets messages." },
    toMethod: (asked) => asked,
    answer: "`webhook`.",
    toAnswer: asJson,
    errors: { webhook_not_found: "There is no webhook with this id." },
  }),
  adapterRoute({
    verb: "DELETE",
    path: "/webhooks/{webhook_id}",
    summary: "Deletes a webhook.",
    method: deleteWebhook,
    credential: "caller",
    request: object({ webhook_id: string() }),
    fields: { webhook_id: WEBHOOK_ID },
    toMethod: ({ webhook_id }) => ({ webhook_id }),
    answer: "`deleted_at`.",
    toAnswer: asJson,
    errors: { webhook_not_found: "There is no webhook with this id." },
  }),
];
