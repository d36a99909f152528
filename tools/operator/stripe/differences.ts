import type Stripe from "stripe";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { hasEnded, isKnownStatus, readProduct, readState } from "#core/billing/subscriptions/stripe_state.ts";
import { retrieveSubscription } from "#core/billing/subscriptions/stripe_subscription.ts";
import type { Subscription, SubscriptionState } from "#core/repositories/subscriptions.ts";
import { readAll } from "#tools/stage/stripe/read_all.ts";

/** Where one subscription is not here what it is at Stripe. */
export interface Difference {
  /** sub_…, Stripe's. */
  id: string;
  /** `gone`: Stripe knows none by that id, so there is nothing to mend it by. */
  kind: "missing" | "differs" | "gone";
  /** For a person: Stripe's ids, states and times only. */
  words: string;
}

/** Walks all of Stripe's subscriptions to our products, and all of ours. Oldest first. */
export async function findDifferences(core: EventCore): Promise<Difference[]> {
  const ours = new Map<string, Subscription>();
  for await (const record of core.subscriptions.all()) ours.set(record.stpSubscriptionId, record);
  const seen = new Set<string>();
  const suspects = await readAll(
    core.stripe,
    (sdk, options) => sdk.subscriptions.list({ status: "all", limit: 100 }, options),
    (current) => {
      seen.add(current.id);
      return compare(core, current.id, ours.get(current.id) ?? null, current) && current.id;
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

/** Whether a subscription is one of those of which a person may have one. */
function isCounted({ status, rejectedAt, isOtherProduct }: Subscription): boolean {
  const isPaying = isKnownStatus(status) && status !== "incomplete" && !hasEnded(status);
  return isPaying && rejectedAt === null && !isOtherProduct;
}

/** The subscriptions of people who have several: somebody pays twice. */
function findSeveral(records: readonly Subscription[]): string[] {
  const byUser = Map.groupBy(records.filter(isCounted), ({ userId }) => userId);
  const several = [...byUser.values()].filter(({ length }) => length > 1).flat();
  return several.map(({ stpSubscriptionId }) => stpSubscriptionId);
}

/** Events go on coming during the walk: only what differs now counts. */
async function compareNow(core: EventCore, id: string, isOneOfSeveral: boolean): Promise<Difference | null> {
  const record = await core.subscriptions.findByStripeId(id);
  const current = await retrieveSubscription(core, id);
  const difference = compare(core, id, record, current);
  if (difference || !record || !isOneOfSeveral) return difference;
  const count = (await core.subscriptions.listByUser(record.userId)).filter(isCounted).length;
  return count > 1 ? { id, kind: "differs", words: `is one of ${count} that its user pays for` } : null;
}

function compare(
  { billing }: Pick<EventCore, "billing">,
  id: string,
  record: Subscription | null,
  current: Stripe.Subscription | null,
): Difference | null {
  if (!current) return record && { id, kind: "gone", words: `${record.status} here, not at Stripe` };
  const product = readProduct(current, billing.productIds, record);
  if (product === null) return null;
  if (!record) {
    if (hasEnded(current.status)) return null;
    const since = new Date(current.created * 1000).toISOString();
    return { id, kind: "missing", words: `missing here, ${current.status} since ${since}` };
  }
  const state = readState(current, product);
  const changes = (Object.keys(state) as (keyof SubscriptionState)[])
    .filter((field) => (record[field] ?? null) !== state[field])
    .map((field) => `${field} ${record[field] ?? null} -> ${state[field]}`);
  if (record.rejectedAt && !record.refundedAt) changes.push("rejected, but not given back yet");
  return changes.length === 0 ? null : { id, kind: "differs", words: `differs: ${changes.join(", ")}` };
}
