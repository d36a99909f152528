import type { Account } from "./account.ts";
import { invalidRequest, unknownReference } from "./api_error.ts";
import { prorateChange, retryPayment, startPeriodOfNewInterval } from "./billing.ts";
import { change, set } from "./events.ts";
import { mergeMetadata } from "./params.ts";
import { discardPendingUpdate } from "./pending_updates.ts";
import { isOver, newItem, periodEndOf } from "./subscription_object.ts";
import type { Subscription, SubscriptionItem } from "./types.ts";

export type CancelAt = number | "" | "min_period_end" | "max_period_end";

type Feedback = NonNullable<Subscription["cancellation_details"]>["feedback"];
type MissingPaymentMethod = NonNullable<
  Subscription["trial_settings"]
>["end_behavior"]["missing_payment_method"];

type PauseBehavior = NonNullable<Subscription["pause_collection"]>["behavior"];

export interface SubscriptionChange {
  cancel_at_period_end?: boolean | undefined;
  cancel_at?: CancelAt | undefined;
  trial_end?: number | "now" | undefined;
  metadata?: Record<string, string> | "" | undefined;
  description?: string | undefined;
  default_payment_method?: string | undefined;
  items?: ItemChange[] | undefined;
  /**
   * With `none`, a change of interval credits nothing. Another change is prorated only with `create_prorations`, which Stripe
   * does by default, or `always_invoice`.
   */
  proration_behavior?: "always_invoice" | "create_prorations" | "none" | undefined;
  /** With `pending_if_incomplete`, a change whose payment fails is not made until it is paid. */
  payment_behavior?:
    | "allow_incomplete"
    | "default_incomplete"
    | "error_if_incomplete"
    | "pending_if_incomplete"
    | undefined;
  cancellation_details?: { comment?: string | undefined; feedback?: Feedback | undefined } | undefined;
  pause_collection?: { behavior: PauseBehavior; resumes_at?: number | undefined } | "" | undefined;
  trial_settings?: { end_behavior: { missing_payment_method: MissingPaymentMethod } } | undefined;
}

export interface ItemChange {
  id?: string | undefined;
  price?: string | undefined;
  quantity?: number | undefined;
  deleted?: boolean | undefined;
  metadata?: Record<string, string> | "" | undefined;
}

/**
 * Updates a subscription as the API does.
 * @throws ApiError if a value is invalid, or if the subscription has ended
 */
export function changeSubscription(
  account: Account,
  subscription: Subscription,
  wanted: SubscriptionChange,
): Subscription {
  requireChangeable(subscription, wanted);
  const mayBePending = wanted.payment_behavior === "pending_if_incomplete";
  const patch: Partial<Subscription> = { ...cancellationPatch(account, subscription, wanted) };
  if (wanted.metadata !== undefined) patch.metadata = mergeMetadata(subscription.metadata, wanted.metadata);
  if (wanted.description !== undefined) patch.description = wanted.description || null;
  if (wanted.default_payment_method !== undefined) {
    patch.default_payment_method = wanted.default_payment_method || null;
  }
  if (wanted.trial_settings) {
    const { end_behavior } = wanted.trial_settings;
    patch.trial_settings = { end_behavior: { billing_cycle_anchor: null, ...end_behavior } };
  }
  if (wanted.pause_collection !== undefined) {
    patch.pause_collection = pauseOf(account, wanted.pause_collection);
  }
  if (wanted.cancellation_details) {
    const { comment, feedback } = wanted.cancellation_details;
    const current = patch.cancellation_details ?? subscription.cancellation_details;
    patch.cancellation_details = {
      comment: comment ?? current?.comment ?? null,
      feedback: feedback ?? current?.feedback ?? null,
      feedback_option: null,
      reason: current?.reason ?? null,
    };
  }
  if (wanted.items) {
    patch.items = changedItems(account, subscription, wanted.items);
    discardPendingUpdate(account, subscription);
  }
  const changesInterval = subscription.status === "active" && hasOtherInterval(subscription, patch.items);
  if (wanted.trial_end !== undefined)
    set<Partial<Subscription>>(patch, trialPatch(account, subscription, wanted.trial_end));
  const { items, ...rest } = patch;
  if (changesInterval && items) {
    const isCredited = wanted.proration_behavior !== "none";
    startPeriodOfNewInterval(account, subscription, { items, isCredited, patch: rest, mayBePending });
  } else if (items && isProrated(subscription, wanted)) {
    const isInvoicedNow = wanted.proration_behavior === "always_invoice";
    prorateChange(account, subscription, { ...rest, items }, { isInvoicedNow, mayBePending });
  } else change(account, subscription, patch, "customer.subscription.updated");
  if (wanted.default_payment_method && subscription.status === "past_due")
    retryPayment(account, subscription);
  return subscription;
}

function isProrated({ status }: Subscription, { proration_behavior: wanted = "none" }: SubscriptionChange) {
  return wanted !== "none" && status === "active";
}

/** Whether an item gets a price with another interval. */
function hasOtherInterval({ items }: Subscription, next: Subscription["items"] | undefined): boolean {
  const intervalOf = ({ price: { recurring } }: SubscriptionItem) =>
    `${recurring?.interval_count} ${recurring?.interval}`;
  return (next?.data ?? []).some((item) => {
    const current = items.data.find(({ id }) => id === item.id);
    return current !== undefined && intervalOf(current) !== intervalOf(item);
  });
}

function pauseOf(
  account: Account,
  wanted: NonNullable<SubscriptionChange["pause_collection"]>,
): Subscription["pause_collection"] {
  if (wanted === "") return null;
  const { behavior, resumes_at = null } = wanted;
  if (resumes_at === null || resumes_at > account.now()) return { behavior, resumes_at };
  throw invalidRequest("resumes_at must be in the future.", { param: "pause_collection[resumes_at]" });
}

function requireChangeable(subscription: Subscription, wanted: SubscriptionChange): void {
  if (!isOver(subscription)) return;
  const allowed = new Set(["metadata", "cancellation_details"]);
  const isAllowed = Object.entries(wanted).every(([key, value]) => value === undefined || allowed.has(key));
  if (isAllowed) return;
  throw invalidRequest("A canceled subscription can only update its cancellation_details and metadata.");
}

/**
 * Validates the end of a subscription.
 * @throws ApiError if both parameters are given, or if `cancel_at` is not in the future
 */
export function validateCancelAt(
  account: Account,
  { cancel_at_period_end: isAtEnd, cancel_at: at }: SubscriptionChange,
): void {
  if (isAtEnd !== undefined && at !== undefined) {
    throw invalidRequest("You can only specify one of these parameters: cancel_at, cancel_at_period_end.");
  }
  if (typeof at === "number" && at <= account.now()) {
    throw invalidRequest("The cancel_at timestamp must be in the future.", { param: "cancel_at" });
  }
}

function cancellationPatch(
  account: Account,
  subscription: Subscription,
  { cancel_at_period_end: isAtEnd, cancel_at: at }: SubscriptionChange,
): Partial<Subscription> {
  validateCancelAt(account, { cancel_at_period_end: isAtEnd, cancel_at: at });
  if (isAtEnd === true) return scheduledEnd(account, subscription, periodEndOf(subscription), true);
  if (at === "min_period_end") {
    const ends = subscription.items.data.map(({ current_period_end }) => current_period_end);
    return scheduledEnd(account, subscription, Math.min(...ends), false);
  }
  if (at === "max_period_end") return scheduledEnd(account, subscription, periodEndOf(subscription), false);
  if (typeof at === "number") return scheduledEnd(account, subscription, at, false);
  if (isAtEnd === undefined && at === undefined) return {};
  return {
    cancel_at: null,
    cancel_at_period_end: false,
    canceled_at: null,
    cancellation_details: withReason(subscription, null),
  };
}

function scheduledEnd(
  account: Account,
  subscription: Subscription,
  end: number,
  isAtPeriodEnd: boolean,
): Partial<Subscription> {
  return {
    cancel_at: end,
    cancel_at_period_end: isAtPeriodEnd,
    canceled_at: account.now(),
    cancellation_details: withReason(subscription, "cancellation_requested"),
  };
}

function withReason(subscription: Subscription, reason: "cancellation_requested" | null) {
  const none = { comment: null, feedback: null, feedback_option: null };
  return { ...none, ...subscription.cancellation_details, reason };
}

function changedItems(
  account: Account,
  subscription: Subscription,
  wanted: ItemChange[],
): Subscription["items"] {
  let data: SubscriptionItem[] = structuredClone(subscription.items.data);
  for (const [index, change] of wanted.entries()) {
    const price = change.price === undefined ? undefined : account.tables.prices.get(change.price);
    if (change.price !== undefined && price === undefined) {
      throw unknownReference("price", change.price, `items[${index}][price]`);
    }
    const current = data.find(({ id }) => id === change.id);
    if (change.id !== undefined && current === undefined) {
      throw unknownReference("subscription_item", change.id, `items[${index}][id]`);
    }
    if (current && change.deleted) {
      data = data.filter((item) => item !== current);
    } else if (current) {
      const next = newItem(account, subscription.id, { price: price ?? current.price }, null);
      set(current, { price: next.price, plan: next.plan });
      if (change.quantity !== undefined) current.quantity = change.quantity;
      if (change.metadata !== undefined) current.metadata = mergeMetadata(current.metadata, change.metadata);
    } else if (price) {
      const item = { price, quantity: change.quantity, metadata: mergeMetadata(null, change.metadata) };
      data.push(newItem(account, subscription.id, item, subscription.trial_end));
    }
  }
  if (data.length === 0) throw invalidRequest("A subscription must have at least one active plan.");
  return { ...subscription.items, data };
}

function trialPatch(
  account: Account,
  subscription: Subscription,
  wanted: number | "now",
): Partial<Subscription> {
  const end = wanted === "now" ? account.now() : wanted;
  if (subscription.status !== "trialing" && end <= account.now()) return {};
  account.movedTrials.set(`${subscription.id}:${end}`, account.now());
  const items = structuredClone(subscription.items);
  for (const item of items.data) item.current_period_end = end;
  return {
    status: "trialing",
    trial_start: subscription.trial_start ?? account.now(),
    trial_end: end,
    billing_cycle_anchor: end,
    items,
  };
}
