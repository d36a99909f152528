import type Stripe from "stripe";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { readAndRecordWasPaid } from "#core/billing/payments/read_payments.ts";
import { findUnpaidFirst } from "#core/billing/subscriptions/first_payment.ts";
import { type Contender, rankOf } from "#core/billing/subscriptions/rank.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";
import { listAll } from "#core/services/stripe.ts";

/**
 * Statuses in which the choice depends on whether the subscription was ever paid, or the mail does: time without charge
 * that was given to a paying customer is a trial at Stripe too.
 */
const STATUSES_TO_READ_PAID = ["past_due", "unpaid", "paused", "trialing"];
/** No person's customer has more subscriptions than this. */
const LONGEST_LIST = 20;

const idOf = (value: string | { id: string }) => (typeof value === "string" ? value : value.id);

/** The items of a subscription that are for our products. */
export function ourItems({ items }: Stripe.Subscription, productIds: readonly string[]) {
  return (items?.data ?? []).filter(({ price }) => productIds.includes(idOf(price.product)));
}

/** The facts of a subscription at Stripe. @param known the facts that are not part of it */
export function contenderOf(
  subscription: Stripe.Subscription,
  productIds: readonly string[],
  known: Pick<Contender, "wasPaid" | "isOwnCustomer" | "isPending">,
): Contender {
  const { id, status, created, cancel_at, cancel_at_period_end, customer } = subscription;
  const prices = ourItems(subscription, productIds).map(({ price }) => price.id);
  return {
    ...{ id, status, created, customer: idOf(customer) },
    isEnding: cancel_at_period_end || cancel_at !== null,
    prices: [...new Set(prices)].sort().join(","),
    ...known,
  };
}

/**
 * Reads the facts of a stored subscription that its own object at Stripe does not show.
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function readContender(core: EventCore, subscription: Stripe.Subscription): Promise<Contender> {
  const [mapping, wasPaid, unpaidFirst] = await Promise.all([
    core.providerMappings.findByCustomer(idOf(subscription.customer)),
    STATUSES_TO_READ_PAID.includes(subscription.status) && readAndRecordWasPaid(core, subscription.id),
    findUnpaidFirst(core, subscription),
  ]);
  const isOwnCustomer = mapping?.matchedBy === "nest";
  return contenderOf(subscription, core.billing.productIds, {
    ...{ wasPaid, isOwnCustomer },
    isPending: unpaidFirst !== null,
  });
}

/**
 * Lists the other subscriptions that decide between two renewing subscriptions: the subscriptions of the same customers
 * at Stripe, whose events may not have arrived, and the rejected subscriptions as they were at their rejection.
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function listOthers(
  core: EventCore,
  userId: string,
  [one, other]: readonly [Contender, Contender],
): Promise<Contender[]> {
  if (rankOf(one) !== "renewing" || rankOf(other) !== "renewing") return [];
  const owners = new Map([one, other].map(({ customer, isOwnCustomer }) => [customer, isOwnCustomer]));
  const [records, ...lists] = await Promise.all([
    core.subscriptions.listByUser(userId),
    ...[...owners.keys()].map((customer) => listActive(core, customer)),
  ]);
  const read = lists.flat().map(async (subscription) => {
    const isOwnCustomer = owners.get(idOf(subscription.customer)) ?? false;
    const isPending = (await findUnpaidFirst(core, subscription)) !== null;
    return contenderOf(subscription, core.billing.productIds, { wasPaid: false, isOwnCustomer, isPending });
  });
  const atStripe = await Promise.all(read);
  const rejected = records.flatMap((record) => rejectedContender(record) ?? []);
  const rejectedIds = rejected.map(({ id }) => id);
  return [...rejected, ...atStripe.filter(({ id, prices }) => prices !== "" && !rejectedIds.includes(id))];
}

function listActive(core: EventCore, customer: string): Promise<Stripe.Subscription[]> {
  return core.stripe.request((stripe, options) =>
    listAll(
      stripe.subscriptions.list(
        { customer, status: "active", limit: LONGEST_LIST, expand: ["data.latest_invoice"] },
        options,
      ),
      LONGEST_LIST,
    ),
  );
}

/** A subscription as it was when it was rejected; null if it did not renew, or an earlier release rejected it. */
function rejectedContender(record: Subscription): Contender | null {
  const { rejection, stpSubscriptionId: id, stpCreatedAt, stpCustomerId: customer } = record;
  if (!rejection?.wasRenewing) return null;
  const { prices, isOwnCustomer } = rejection;
  const created = Date.parse(stpCreatedAt) / 1000;
  return { id, created, customer, prices, isOwnCustomer, status: "active", isEnding: false, wasPaid: false };
}
