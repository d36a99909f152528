import { array, optional, strictObject, union } from "zod/mini";
import { type Account, newestFirst, newId } from "./account.ts";
import { invalidRequest, notFound } from "./api_error.ts";
import {
  emptyString,
  expand,
  flag,
  isWithin,
  mergeMetadata,
  metadata,
  paging,
  range,
  text,
} from "./params.ts";
import { DAY_SECONDS } from "./periods.ts";
import { page, type Route, route } from "./route.ts";
import type { WebhookEndpoint } from "./types.ts";

/** Stripe lists events for 30 days. */
const RETENTION_SECONDS = 30 * DAY_SECONDS;
const endpoint = {
  description: optional(union([emptyString, text])),
  metadata,
  expand,
};

export const eventRoutes: Route[] = [
  route(
    "GET",
    "/v1/events",
    strictObject({
      ...paging,
      type: optional(text),
      types: optional(array(text)),
      created: range,
      delivery_success: optional(flag),
    }),
    (account, params) => {
      if (params.type !== undefined && params.types !== undefined) {
        throw invalidRequest("You may only specify one of these parameters: type, types.");
      }
      const oldest = account.now() - RETENTION_SECONDS;
      const rows = newestFirst(account.tables.events).filter(
        ({ type, created }) =>
          (params.type === undefined || matches(type, params.type)) &&
          (params.types === undefined || params.types.some((wanted) => matches(type, wanted))) &&
          isWithin(params.created, created) &&
          created >= oldest,
      );
      return page("/v1/events", rows, params);
    },
  ),
  route("GET", "/v1/events/:id", strictObject({ expand }), (account, _, id) => {
    const event = account.tables.events.get(id);
    if (event === undefined) throw notFound("event", id);
    return event;
  }),
  route(
    "POST",
    "/v1/webhook_endpoints",
    strictObject({
      ...endpoint,
      url: text,
      enabled_events: array(text),
      api_version: optional(text),
      connect: optional(flag),
    }),
    (account, params) => {
      requireUrl(params.url);
      const created: WebhookEndpoint = {
        id: newId("we"),
        object: "webhook_endpoint",
        api_version: params.api_version ?? null,
        application: null,
        created: account.now(),
        description: params.description || null,
        enabled_events: params.enabled_events,
        livemode: false,
        metadata: mergeMetadata(null, params.metadata),
        status: "enabled",
        url: params.url,
      };
      account.tables.webhookEndpoints.set(created.id, created);
      // Only the response to the creation contains the secret.
      return { ...created, secret: newId("whsec", 32) };
    },
  ),
  route("GET", "/v1/webhook_endpoints", strictObject(paging), (account, params) =>
    page("/v1/webhook_endpoints", newestFirst(account.tables.webhookEndpoints), params),
  ),
  route("GET", "/v1/webhook_endpoints/:id", strictObject({ expand }), (account, _, id) => find(account, id)),
  route(
    "POST",
    "/v1/webhook_endpoints/:id",
    strictObject({
      ...endpoint,
      url: optional(text),
      enabled_events: optional(array(text)),
      disabled: optional(flag),
    }),
    (account, params, id) => {
      const row = find(account, id);
      if (params.url !== undefined) {
        requireUrl(params.url);
        row.url = params.url;
      }
      if (params.enabled_events) row.enabled_events = params.enabled_events;
      if (params.disabled !== undefined) row.status = params.disabled ? "disabled" : "enabled";
      if (params.description !== undefined) row.description = params.description || null;
      if (params.metadata !== undefined) row.metadata = mergeMetadata(row.metadata, params.metadata);
      return row;
    },
  ),
  route("DELETE", "/v1/webhook_endpoints/:id", strictObject({}), (account, _, id) => {
    find(account, id);
    account.tables.webhookEndpoints.delete(id);
    return { id, object: "webhook_endpoint", deleted: true };
  }),
];

/** Whether an event type matches a filter, which may end with a wildcard as in `customer.subscription.*`. */
function matches(type: string, wanted: string): boolean {
  return wanted.endsWith("*") ? type.startsWith(wanted.slice(0, -1)) : type === wanted;
}

function requireUrl(url: string): void {
  if (URL.canParse(url) && /^https?:/.test(url)) return;
  throw invalidRequest("Invalid URL: An explicit scheme (such as https) must be provided.", {
    code: "url_invalid",
    param: "url",
  });
}

function find(account: Account, id: string): WebhookEndpoint {
  const row = account.tables.webhookEndpoints.get(id);
  if (row === undefined) throw notFound("webhook endpoint", id);
  return row;
}
