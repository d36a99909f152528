import type Stripe from "stripe";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { readAndRecordWasPaid } from "#core/billing/payments/read_payments.ts";
import { findUnpaidFirst } from "#core/billing/subscriptions/first_payment.ts";
import { readPaidUntil } from "#core/billing/subscriptions/paid_period.ts";
import { type Contender, rankOf } from "#core/billing/subscriptions/rank.ts";
import { idOf, ourPrices } from "#core/billing/subscriptions/stripe_state.ts";
import { GRACE_SECONDS } from "#core/billing/subscriptions/subscription.ts";
import { isUsed } from "#core/billing/trials/used.ts";
import { plusSeconds } from "#core/clock.ts";
import type { ProviderMapping } from "#core/repositories/provider_mappings.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";
import { listAll } from "#core/services/stripe.ts";

/**
 * Statuses in which the choice or the mail depends on whether the subscription was ever paid. Stripe shows free time that
 * a paying customer got as a trial too.
 */
const STATUSES_TO_READ_PAID = ["past_due", "unpaid", "paused", "trialing"];
/** No person's customer has more subscriptions than this. */
const LONGEST_LIST = 20;

/** The facts of a subscription at Stripe. @param known the facts that are not part of it */
export function contenderOf(
  subscription: Stripe.Subscription,
  productIds: readonly string[],
  known: Pick<Contender, "wasPaid" | "isOwnCustomer"> &
    Partial<Pick<Contender, "isPending" | "grantsNothing" | "isUnclaimedTrial">>,
): Contender {
  const { id, status, created, cancel_at, cancel_at_period_end, customer } = subscription;
  return {
    ...{ id, status, created, customer: idOf(customer) },
    isEnding: cancel_at_period_end || cancel_at !== null,
    prices: ourPrices(subscription, productIds).join(","),
    ...known,
  };
}

/**
 * Reads the facts of a stored subscription that its own object at Stripe does not show.
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function readContender(core: EventCore, subscription: Stripe.Subscription): Promise<Contender> {
  const [mapping, unpaidFirst, grantsNothing, isUnclaimedTrial] = await Promise.all([
    core.providerMappings.findByCustomer(idOf(subscription.customer)),
    findUnpaidFirst(core, subscription),
    readGrantsNothing(core, subscription),
    readIsUnclaimedTrial(core, subscription),
  ]);
  const mustReadPaid = grantsNothing || STATUSES_TO_READ_PAID.includes(subscription.status);
  const wasPaid = mustReadPaid && (await readAndRecordWasPaid(core, subscription.id));
  const isOwnCustomer = isOwn(subscription, mapping);
  const isPending = unpaidFirst !== null;
  return contenderOf(subscription, core.billing.productIds, {
    ...{ wasPaid, isOwnCustomer, isPending, grantsNothing, isUnclaimedTrial },
  });
}

/** Whether Nest made the customer for the user, or the user bought the subscription through a checkout of Nest. */
function isOwn({ metadata }: Stripe.Subscription, mapping: ProviderMapping | null | undefined): boolean {
  return mapping?.matchedBy === "nest" || metadata?.checkout_id !== undefined;
}

/** Whether a trial may be a stranger's: nobody used it, and none of its links was redeemed. */
async function readIsUnclaimedTrial(core: EventCore, { id, status }: Stripe.Subscription): Promise<boolean> {
  const record = status === "trialing" ? await core.subscriptions.findByStripeId(id) : null;
  const trial = record && (await core.trials.findOf(record));
  return trial !== null && !isUsed(trial) && trial.redeemedAt === null && trial.grantedAt == null;
}

/** Whether an active subscription grants no access anymore: its paid period and the grace period are over. */
async function readGrantsNothing(core: EventCore, subscription: Stripe.Subscription): Promise<boolean> {
  const paidUntil = await readPaidUntil(core, subscription);
  return paidUntil !== null && plusSeconds(new Date(paidUntil), GRACE_SECONDS) <= core.clock.now();
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
  const customers = [...new Set([one.customer, other.customer])];
  const [records, mappings, ...lists] = await Promise.all([
    core.subscriptions.listByUser(userId),
    core.providerMappings.listByUser(userId),
    ...customers.map((customer) => listActive(core, customer)),
  ]);
  const read = lists.flat().map(async (subscription) => {
    const mapping = mappings.find(({ providerValue }) => providerValue === idOf(subscription.customer));
    const isOwnCustomer = isOwn(subscription, mapping);
    const isPending = (await findUnpaidFirst(core, subscription)) !== null;
    const grantsNothing = await readGrantsNothing(core, subscription);
    return contenderOf(subscription, core.billing.productIds, {
      ...{ wasPaid: false, isOwnCustomer, isPending, grantsNothing },
    });
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
