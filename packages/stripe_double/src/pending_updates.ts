import type { Account } from "./account.ts";
import { invalidRequest } from "./api_error.ts";
import { change } from "./events.ts";
import { voidInvoice } from "./invoices.ts";
import { HOUR_SECONDS } from "./periods.ts";
import { periodEndOf } from "./subscription_object.ts";
import type { Invoice, Subscription } from "./types.ts";

/** A pending update is discarded after this time, or at the end of the period or the trial if that is earlier. */
const LIFETIME_SECONDS = 23 * HOUR_SECONDS;

/** The parameters that `payment_behavior: pending_if_incomplete` allows (https://docs.stripe.com/billing/subscriptions/pending-updates-reference). */
const ALLOWED = new Set([
  "cancel_at_period_end",
  "expand",
  "items",
  "payment_behavior",
  "proration_behavior",
  "trial_end",
]);

/** @throws ApiError if a request with `pending_if_incomplete` changes more than a pending update can hold */
export function requirePendingParams(params: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(params)) {
    if (value === undefined || ALLOWED.has(name)) continue;
    throw invalidRequest(
      `You cannot set \`${name}\` when \`payment_behavior\` is \`pending_if_incomplete\`. Only attributes that pending updates support can be passed.`,
      { param: name },
    );
  }
}

/**
 * Keeps a change whose payment did not succeed. The subscription goes on as if there had been no request.
 * @param patch the change, with the new items
 * @param invoice the unpaid invoice of the change
 */
export function keepPendingUpdate(
  account: Account,
  subscription: Subscription,
  patch: Partial<Subscription> & Pick<Subscription, "items">,
  invoice: Invoice,
): void {
  const now = account.now();
  const ends = [
    now + LIFETIME_SECONDS,
    periodEndOf(subscription),
    subscription.trial_end ?? Number.POSITIVE_INFINITY,
  ];
  const pending_update: Subscription["pending_update"] = {
    billing_cycle_anchor: patch.billing_cycle_anchor ?? null,
    cancel_at_period_end: patch.cancel_at_period_end ?? null,
    discount: null,
    discounts: null,
    expires_at: Math.min(...ends.filter((end) => end > now)),
    metadata: null,
    subscription_items: structuredClone(patch.items.data),
    trial_end: null,
    trial_from_plan: null,
  };
  const kept = { pending_update, latest_invoice: invoice.id };
  change(account, subscription, kept, "customer.subscription.updated");
}

/**
 * Applies or discards the pending update of a subscription after its invoice was paid or voided.
 * @returns whether there is a pending update, so that the invoice says nothing about the subscription's status
 */
export function followPendingUpdate(account: Account, subscription: Subscription): boolean {
  const { pending_update: pending, latest_invoice: latest } = subscription;
  if (pending === null) return false;
  const invoice = account.tables.invoices.get(latest ?? "");
  if (invoice?.status === "paid") {
    const items = { ...subscription.items, data: pending.subscription_items ?? subscription.items.data };
    const billing_cycle_anchor = pending.billing_cycle_anchor ?? subscription.billing_cycle_anchor;
    const applied = { items, billing_cycle_anchor, pending_update: null };
    change(account, subscription, applied, "customer.subscription.updated");
    change(account, subscription, {}, "customer.subscription.pending_update_applied");
  } else if (invoice?.status !== "open") discardPendingUpdate(account, subscription);
  return true;
}

/** Discards the pending update of a subscription, if there is one, and voids its invoice. */
export function discardPendingUpdate(account: Account, subscription: Subscription): void {
  if (subscription.pending_update === null) return;
  const invoice = account.tables.invoices.get(subscription.latest_invoice ?? "");
  if (invoice) voidInvoice(account, invoice);
  change(account, subscription, { pending_update: null }, "customer.subscription.updated");
  change(account, subscription, {}, "customer.subscription.pending_update_expired");
}
