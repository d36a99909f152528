import type { Db, Filter } from "mongodb";
import { bestOf as bestContender, type Contender } from "#core/billing/subscriptions/rank.ts";
import { hasEnded } from "#core/billing/subscriptions/stripe_state.ts";
import { openRepositories } from "#core/repositories/all.ts";
import { type Subscription, SubscriptionRepository } from "#core/repositories/subscriptions.ts";
import { type User, UserRepository } from "#core/repositories/users.ts";
import type { Migration } from "#tools/migrations/migration.ts";

/** A user without a kept subscription, and the subscription to keep. */
interface Choice {
  userId: string;
  stpSubscriptionId: string;
}

/**
 * Subscriptions of 2022 that no Stripe event has reached. It must run before `completeSubscriptions`, which gives them
 * a version: a second subscription would otherwise be kept in addition to them.
 */
const UNTOUCHED: Filter<Subscription> = { version: { $exists: false } };

export const keepImportedSubscriptions: Migration = {
  name: "keep_imported_subscriptions",
  what: "records on each user which imported subscription is kept",
  isRequired: true,
  pending: async (database) => (await chooseKept(database, UNTOUCHED)).length,
  apply: (database) => keepSubscriptions(database, UNTOUCHED),
};

/**
 * Records the best subscription that has not ended of each user without a kept subscription. A recorded decision is not
 * changed.
 * @param filter the subscriptions to choose from
 * @returns for how many users a subscription is kept now
 */
export async function keepSubscriptions(database: Db, filter: Filter<Subscription>): Promise<number> {
  const { users } = openRepositories(database);
  let kept = 0;
  for (const { userId, stpSubscriptionId } of await chooseKept(database, filter)) {
    const user = await users.keepSubscription(userId, stpSubscriptionId, new Date().toISOString());
    if (user) kept++;
  }
  return kept;
}

async function chooseKept(database: Db, filter: Filter<Subscription>): Promise<Choice[]> {
  const subscriptions = database.collection<Subscription>(SubscriptionRepository.collectionName);
  const users = database.collection<User>(UserRepository.collectionName);
  // A field that is absent counts as null in a query.
  const found = await subscriptions.find({ ...filter, rejectedAt: null }).toArray();
  const choices: Choice[] = [];
  for (const [userId, own] of Map.groupBy(found, (subscription) => subscription.userId)) {
    const user = await users.findOne({ _id: userId, keptSubscriptionId: null });
    const best = user && bestOf(own, user.rejectedSubscriptionIds ?? []);
    if (best) choices.push({ userId, stpSubscriptionId: best.stpSubscriptionId });
  }
  return choices;
}

/** The subscription that Nest would keep according to the stored facts. Null if all have ended. */
function bestOf(subscriptions: readonly Subscription[], rejected: readonly string[]): Subscription | null {
  const living = subscriptions.filter(
    ({ status, stpSubscriptionId }) => !hasEnded(status) && !rejected.includes(stpSubscriptionId),
  );
  if (living.length === 0) return null;
  const best = bestContender(living.map(contenderOf)).id;
  return living.find(({ stpSubscriptionId }) => stpSubscriptionId === best) ?? null;
}

/**
 * Stripe's time of creation is not stored for imported subscriptions. The document's time orders them the same way.
 * Their prices are not stored either, so of two renewing subscriptions the older is kept. An overdue subscription was
 * paid before, as the 2022 service required.
 */
function contenderOf({
  stpSubscriptionId,
  status,
  createdAt,
  cancelAt,
  cancelType,
}: Subscription): Contender {
  return {
    id: stpSubscriptionId,
    status: status as Contender["status"],
    created: new Date(createdAt).getTime() / 1000,
    isEnding: cancelAt !== null || cancelType === "period_end",
    ...{ wasPaid: true, prices: "", customer: "", isOwnCustomer: false },
  };
}
