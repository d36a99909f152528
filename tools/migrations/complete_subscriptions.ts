import type { Db, Filter } from "mongodb";
import { type Subscription, SubscriptionRepository } from "#core/repositories/subscriptions.ts";
import type { Migration } from "#tools/migrations/migration.ts";

/** A subscription as an earlier release, or the service of 2022, stored it. */
type Incomplete = Partial<Subscription> & Pick<Subscription, "_id" | "createdAt">;

export const completeSubscriptions: Migration = {
  name: "complete_subscriptions",
  what: "adds the fields that subscriptions of 2022 and of earlier releases lack",
  isRequired: true,
  pending: (database) => collectionOf(database).countDocuments(INCOMPLETE),
  async apply(database) {
    let changed = 0;
    for await (const subscription of collectionOf(database).find(INCOMPLETE))
      if (await complete(database, subscription)) changed++;
    return changed;
  },
};

/**
 * The fields that a subscription of 2022 lacks. Nothing was rejected there, and its owner was welcomed long ago.
 * @param subscription as it is stored
 */
export function defaultsOf({ createdAt }: Pick<Subscription, "createdAt">) {
  return {
    isOtherProduct: false,
    trialId: null,
    stpCreatedAt: createdAt,
    cancelAt: null,
    cancelType: null,
    cancelledAt: null,
    rejectedAt: null,
    isRejectedSilently: false,
    refundedAt: null,
    disputedAt: null,
    disputeStatus: null,
    disputes: [],
    cardFingerprints: [],
    cardSeenBeforeAt: null,
    mails: { welcome: { claimedAt: createdAt, sentAt: createdAt } },
  } satisfies Partial<Subscription>;
}

const ADDED = [...Object.keys(defaultsOf({ createdAt: "" })), "version"];
const INCOMPLETE: Filter<Incomplete> = { $or: ADDED.map((field) => ({ [field]: { $exists: false } })) };

const collectionOf = (database: Db) => database.collection<Incomplete>(SubscriptionRepository.collectionName);

/**
 * Adds what one document lacks, unless a Stripe event changed it since it was read: then the next run adds it. The
 * version is raised, as each write of Stripe's state does.
 * @returns whether the document was changed
 */
async function complete(database: Db, subscription: Incomplete): Promise<boolean> {
  const { _id, version, mails } = subscription;
  const defaults = defaultsOf(subscription);
  // A document that names Stripe's time was stored by Nest, which sends the welcome itself.
  const welcomed = subscription.stpCreatedAt === undefined ? defaults.mails : {};
  const missing = Object.entries({ ...defaults, mails: welcomed }).filter(
    ([field]) => !(field in subscription),
  );
  const isWelcomeMissing = mails !== undefined && mails.welcome === undefined && "welcome" in welcomed;
  const result = await collectionOf(database).updateOne(
    {
      _id,
      version: version === undefined ? { $exists: false } : version,
      ...Object.fromEntries(missing.map(([field]) => [field, { $exists: false }])),
      ...(isWelcomeMissing && { "mails.welcome": { $exists: false } }),
    } as Filter<Incomplete>,
    {
      $set: {
        ...Object.fromEntries(missing),
        ...(isWelcomeMissing && { "mails.welcome": defaults.mails.welcome }),
        version: (version ?? 0) + 1,
      },
    },
  );
  return result.modifiedCount === 1;
}
