import type Stripe from "stripe";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { mayBeUnpaid } from "#core/billing/subscriptions/first_payment.ts";
import { isPeriodUnpaid, readFullState } from "#core/billing/subscriptions/paid_period.ts";
import { hasEnded, isKnownStatus, readProduct, readState } from "#core/billing/subscriptions/stripe_state.ts";
import { retrieveSubscription } from "#core/billing/subscriptions/stripe_subscription.ts";
import type { Subscription, SubscriptionState } from "#core/repositories/subscriptions.ts";
import { readAll } from "#tools/stage/stripe/read_all.ts";

/** A difference between our record of a subscription and Stripe's. */
export interface Difference {
  /** Stripe's subscription id, sub_…. */
  id: string;
  /** `gone`: Stripe has no subscription of that id, so our record can't be corrected. */
  kind: "missing" | "differs" | "gone";
  /** The difference as text: only Stripe's ids, statuses and times. */
  words: string;
}

/** Compares all of Stripe's subscriptions to our products with all of our records. Oldest first. */
export async function findDifferences(core: EventCore): Promise<Difference[]> {
  const ours = new Map<string, Subscription>();
  for await (const record of core.subscriptions.all()) ours.set(record.stpSubscriptionId, record);
  const seen = new Set<string>();
  const suspects = await readAll(
    core.stripe,
    (sdk, options) =>
      sdk.subscriptions.list({ status: "all", limit: 100, expand: ["data.latest_invoice"] }, options),
    (current) => {
      seen.add(current.id);
      return isSuspect(core, ours.get(current.id) ?? null, current) ? current.id : null;
    },
  );
  const unseen = [...ours.keys()].filter((id) => !seen.has(id));
  const several = findSeveral([...ours.values()].filter(({ stpSubscriptionId: id }) => seen.has(id)));
  const found: Difference[] = [];
  for (const id of new Set([...suspects.reverse(), ...several, ...unseen])) {
    const difference = await compareNow(core, id, several.includes(id));
    if (difference) found.push(difference);
  }
  return found;
}

/** Whether a subscription counts toward the limit of one per user. */
function isCounted({ status, rejectedAt, isOtherProduct }: Subscription): boolean {
  const isPaying = isKnownStatus(status) && status !== "incomplete" && !hasEnded(status);
  return isPaying && rejectedAt === null && !isOtherProduct;
}

/** The subscriptions of users who have more than one subscription and so pay twice. */
function findSeveral(records: readonly Subscription[]): string[] {
  const byUser = Map.groupBy(records.filter(isCounted), ({ userId }) => userId);
  const several = [...byUser.values()].filter(({ length }) => length > 1).flat();
  return several.map(({ stpSubscriptionId }) => stpSubscriptionId);
}

/** Compares again, because events arrive during the walk: only a difference that still exists is reported. */
async function compareNow(core: EventCore, id: string, isOneOfSeveral: boolean): Promise<Difference | null> {
  const record = await core.subscriptions.findByStripeId(id);
  const current = await retrieveSubscription(core, id);
  const difference = await compare(core, id, record, current);
  if (difference || !record || !isOneOfSeveral) return difference;
  const count = (await core.subscriptions.listByUser(record.userId)).filter(isCounted).length;
  return count > 1
    ? { id, kind: "differs", words: `is one of ${count} subscriptions that its user pays for` }
    : null;
}

/** Whether a subscription may differ. The facts of unpaid invoices are compared in `compare`, which reads them. */
function isSuspect(
  { billing }: Pick<EventCore, "billing">,
  record: Subscription | null,
  current: Stripe.Subscription,
): boolean {
  const product = readProduct(current, billing.productIds, record);
  if (product === null) return false;
  if (!record) return !hasEnded(current.status);
  const isKnownUnpaid = (record.paidUntil ?? record.unpaidSince ?? null) !== null;
  const isUnpaid = isPeriodUnpaid(current) || mayBeUnpaid(current) || isKnownUnpaid;
  return isUnpaid || changesOf(record, readState(current, product, billing.productIds)).length > 0;
}

async function compare(
  core: EventCore,
  id: string,
  record: Subscription | null,
  current: Stripe.Subscription | null,
): Promise<Difference | null> {
  if (!current) return record && { id, kind: "gone", words: `${record.status} here, unknown to Stripe` };
  const product = readProduct(current, core.billing.productIds, record);
  if (product === null) return null;
  if (!record) {
    if (hasEnded(current.status)) return null;
    const since = new Date(current.created * 1000).toISOString();
    return { id, kind: "missing", words: `missing here, ${current.status} since ${since}` };
  }
  const changes = changesOf(record, await readFullState(core, current, product));
  return changes.length === 0 ? null : { id, kind: "differs", words: `differs: ${changes.join(", ")}` };
}

/** Whether a stored value differs. A value that an earlier release did not store counts as null, or as no prices. */
function isOther(stored: unknown, now: unknown): boolean {
  if (Array.isArray(now)) return stored !== undefined && String(stored) !== String(now);
  return (stored ?? null) !== now;
}

function changesOf(record: Subscription, state: SubscriptionState): string[] {
  const changes = (Object.keys(state) as (keyof SubscriptionState)[])
    .filter((field) => isOther(record[field], state[field]))
    .map((field) => `${field} ${record[field] ?? null} -> ${state[field]}`);
  if (record.rejectedAt && !record.refundedAt) changes.push("rejected, but not refunded yet");
  return changes;
}
