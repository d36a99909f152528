import { array, literal, enum as oneOf, optional, strictObject, union } from "zod/mini";
import { type Account, newestFirst } from "./account.ts";
import { invalidRequest, notFound } from "./api_error.ts";
import { cancelNow, resume } from "./billing.ts";
import { emptyString, expand, flag, integer, isWithin, metadata, paging, range, text } from "./params.ts";
import { requirePendingParams } from "./pending_updates.ts";
import { page, type Route, route } from "./route.ts";
import { runDueTasks } from "./schedule.ts";
import { changeSubscription } from "./subscription_changes.ts";
import {
  behavior,
  createFromParams,
  creationParams,
  proration,
  trialSettings,
} from "./subscription_creation.ts";
import { isOver } from "./subscription_object.ts";
import type { Subscription } from "./types.ts";

const STATUSES = [
  "active",
  "all",
  "canceled",
  "ended",
  "incomplete",
  "incomplete_expired",
  "past_due",
  "paused",
  "trialing",
  "unpaid",
] as const;

const cancellationDetails = optional(
  strictObject({
    comment: optional(text),
    feedback: optional(
      oneOf([
        "customer_service",
        "low_quality",
        "missing_features",
        "other",
        "switched_service",
        "too_complex",
        "too_expensive",
        "unused",
      ]),
    ),
  }),
);

const update = strictObject({
  cancel_at: optional(union([emptyString, integer, oneOf(["min_period_end", "max_period_end"])])),
  cancel_at_period_end: optional(flag),
  cancellation_details: cancellationDetails,
  trial_end: optional(union([literal("now"), integer])),
  trial_settings: trialSettings,
  pause_collection: optional(
    union([
      emptyString,
      strictObject({
        behavior: oneOf(["keep_as_draft", "mark_uncollectible", "void"]),
        resumes_at: optional(integer),
      }),
    ]),
  ),
  metadata,
  description: optional(text),
  default_payment_method: optional(text),
  payment_behavior: behavior,
  proration_behavior: proration,
  items: optional(
    array(
      strictObject({
        id: optional(text),
        price: optional(text),
        quantity: optional(integer),
        deleted: optional(flag),
        metadata,
      }),
    ),
  ),
  expand,
});

export const subscriptionRoutes: Route[] = [
  route("POST", "/v1/subscriptions", creationParams, createFromParams),
  route(
    "GET",
    "/v1/subscriptions",
    strictObject({
      ...paging,
      customer: optional(text),
      price: optional(text),
      status: optional(oneOf(STATUSES)),
      created: range,
      test_clock: optional(text),
    }),
    (account, params) => {
      const { customer, test_clock: clock } = params;
      // Stripe lists subscriptions on test clocks only if the request names the clock or the customer.
      const isOnClock = (row: Subscription) =>
        clock === undefined ? customer !== undefined || row.test_clock === null : row.test_clock === clock;
      const rows = newestFirst(account.tables.subscriptions).filter(
        (row) =>
          (customer === undefined || row.customer === customer) &&
          (params.price === undefined || row.items.data.some(({ price }) => price.id === params.price)) &&
          isWithin(params.created, row.created) &&
          isOnClock(row) &&
          hasStatus(row, params.status),
      );
      return page("/v1/subscriptions", rows, params);
    },
  ),
  route("GET", "/v1/subscriptions/:id", strictObject({ expand }), (account, _, id) => find(account, id)),
  route("POST", "/v1/subscriptions/:id", update, (account, params, id) => {
    const { expand: _expand, ...wanted } = params;
    if (wanted.payment_behavior === "pending_if_incomplete") requirePendingParams(params);
    changeSubscription(account, find(account, id), wanted);
    // With `trial_end: now`, the trial ends before the response.
    runDueTasks(account);
    return find(account, id);
  }),
  route(
    "DELETE",
    "/v1/subscriptions/:id",
    strictObject({
      invoice_now: optional(flag),
      prorate: optional(flag),
      cancellation_details: cancellationDetails,
      expand,
    }),
    (account, { cancellation_details: wanted }, id) => {
      const subscription = find(account, id);
      if (isOver(subscription)) throw notFound("subscription", id);
      const current = subscription.cancellation_details;
      if (current && wanted) {
        subscription.cancellation_details = {
          ...current,
          comment: wanted.comment ?? current.comment,
          feedback: wanted.feedback ?? current.feedback,
        };
      }
      cancelNow(account, subscription, "cancellation_requested");
      return subscription;
    },
  ),
  route(
    "POST",
    "/v1/subscriptions/:id/resume",
    strictObject({ billing_cycle_anchor: optional(literal("now")), proration_behavior: proration, expand }),
    (account, _, id) => {
      const subscription = find(account, id);
      if (subscription.status !== "paused") throw invalidRequest("This subscription is not paused.");
      resume(account, subscription);
      return subscription;
    },
  ),
];

function find(account: Account, id: string): Subscription {
  const subscription = account.tables.subscriptions.get(id);
  if (subscription === undefined) throw notFound("subscription", id);
  return subscription;
}

function hasStatus(subscription: Subscription, wanted: (typeof STATUSES)[number] | undefined): boolean {
  if (wanted === "all") return true;
  if (wanted === undefined) return subscription.status !== "canceled";
  return wanted === "ended" ? isOver(subscription) : subscription.status === wanted;
}
