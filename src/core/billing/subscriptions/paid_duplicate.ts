import type Stripe from "stripe";
import type { EventCore } from "#core/billing/events/event_core.ts";
import {
  isForOurProducts,
  isPaid,
  listInvoices,
  readPayments,
} from "#core/billing/payments/read_payments.ts";
import { isOlder } from "#core/billing/subscriptions/rank.ts";
import { readIdentity } from "#core/billing/subscriptions/store_subscription.ts";
import type { StripeReading } from "#core/billing/subscriptions/stripe_reading.ts";
import { idOf } from "#core/billing/subscriptions/stripe_state.ts";
import { customerAddress } from "#core/billing/subscriptions/stripe_subscription.ts";

/**
 * The user to whom a subscription that is not stored would belong.
 * @returns null if there is no such user
 * @throws NestError `unavailable`
 */
export async function findOwner(core: EventCore, current: Stripe.Subscription): Promise<string | null> {
  const mapping = await core.providerMappings.findByCustomer(idOf(current.customer));
  if (mapping) return mapping.userId;
  const address = customerAddress(current);
  const identity = address === null ? null : readIdentity(address);
  return identity === null ? null : ((await core.identifiers.findActive("email", identity))?.userId ?? null);
}

/**
 * Raises an alarm if a paid duplicate of a renewing subscription ended before Nest could reject it, because its events were
 * late or a process died. Nest does not know why it ended, or whether the money was returned in another way. So an operator
 * decides (runbooks/stripe.md).
 * @param userId its owner; null if nobody owns it
 * @param reading of its creation or its end. Other events are ignored, because they would repeat the alarm
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function warnOfPaidDuplicate(
  core: EventCore,
  userId: string | null,
  { event, current }: StripeReading,
): Promise<void> {
  if (userId === null || (event !== "created" && event !== "deleted")) return;
  const user = await core.users.find(userId);
  const keptId = user?.keptSubscriptionId ?? null;
  const kept =
    keptId === null || keptId === current.id ? null : await core.subscriptions.findByStripeId(keptId);
  if (kept?.status !== "active" || kept.cancelType !== null || kept.isOtherProduct) return;
  const keptCreated = Date.parse(kept.stpCreatedAt) / 1000;
  if (!isOlder({ id: kept.stpSubscriptionId, created: keptCreated }, current)) return;
  if (!(await hasUnreturnedPayment(core, current.id))) return;
  core.log.error("paid_duplicate_ended", { alarm: true, subscription_id: current.id, kept_id: keptId });
}

/**
 * Raises an alarm if a subscription ended within a paid period because its customer was deleted at Stripe. An operator can
 * delete a customer, and the job that removes trials can delete one while somebody buys with it. Stripe returns no money
 * then (https://docs.stripe.com/api/customers/delete), so an operator decides (runbooks/stripe.md).
 * @param reading of its end. Other events are ignored, because they would repeat the alarm
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function warnOfDeletedCustomer(
  core: EventCore,
  { event, current }: StripeReading,
): Promise<void> {
  if (event !== "deleted" || !endedWithItsCustomer(current)) return;
  if (!(await hasUnreturnedPayment(core, current.id))) return;
  core.log.error("paid_customer_deleted", { alarm: true, subscription_id: current.id });
}

/** Nothing is lost if a customer is deleted after the end of its last period. */
function endedWithItsCustomer({ customer, ended_at, items, status }: Stripe.Subscription): boolean {
  if (typeof customer === "string" || !customer.deleted || status !== "canceled") return false;
  return items.data.some(({ current_period_end }) => ended_at !== null && ended_at < current_period_end);
}

async function hasUnreturnedPayment(core: EventCore, id: string): Promise<boolean> {
  const invoices = (await listInvoices(core, id)).filter(
    (invoice) => isPaid(invoice) && isForOurProducts(invoice, core.billing.productIds),
  );
  const read = await readPayments(core, invoices);
  return read.some(({ payments }) => payments.some(({ left }) => left > 0));
}
