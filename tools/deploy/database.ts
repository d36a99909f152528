import type { Db } from "mongodb";
import { createIndexes, missingIndexes } from "#core/repositories/index_setup.ts";
import { type Subscription, SubscriptionRepository } from "#core/repositories/subscriptions.ts";
import { openMongo } from "#core/services/mongo.ts";
import { pendingMigrations } from "#tools/migrations/migrate.ts";
import { CommandError } from "#tools/terminal/errors.ts";

/**
 * Creates the indexes that the code needs, and requires migrated documents. A deploy does so before it updates
 * functions: the old code works with an additional index and with migrated documents.
 * @param productIds the products whose subscriptions are ours
 * @returns the database's name
 * @throws CommandError naming the indexes that are still missing, the migrations that are pending, or products of living
 *   subscriptions that are not ours anymore
 */
export async function prepareDatabase(uri: string, productIds: readonly string[]): Promise<string> {
  const { client, database } = openMongo(uri, { isCommand: true });
  try {
    await client.connect();
    await createIndexes(database);
    const missing = await missingIndexes(database);
    if (missing.length > 0) {
      const lines = missing.map((index) => `  ${index}`).join("\n");
      throw new CommandError(
        `The database can't create these indexes:\n${lines}\nSee docs/runbooks/database.md.`,
      );
    }
    const pending = await pendingMigrations(database);
    if (pending.length > 0)
      throw new CommandError(
        `Migrations are pending (${pending.join(", ")}): this release can't read every document. ` +
          "Run `npm run nest -- db migrate --apply` for the stage first.",
      );
    await requireSoldProducts(database, productIds);
    return database.databaseName;
  } finally {
    await client.close();
  }
}

/** Without a plan, a product is not the app's: the next event of a subscription to it would end the access that a person pays for. */
async function requireSoldProducts(database: Db, productIds: readonly string[]): Promise<void> {
  const found = await database
    .collection<Subscription>(SubscriptionRepository.collectionName)
    .aggregate<{ _id: string; count: number }>([
      {
        $match: {
          rejectedAt: null,
          isOtherProduct: { $ne: true },
          status: { $nin: ["canceled", "incomplete_expired"] },
          stpProductId: { $type: "string", $nin: [...productIds] },
        },
      },
      { $group: { _id: "$stpProductId", count: { $sum: 1 } } },
      { $sort: { _id: 1 } },
    ])
    .toArray();
  if (found.length === 0) return;
  const lines = found.map(({ _id, count }) => `  ${_id}: ${count}`);
  throw new CommandError(
    [
      "These products have subscriptions that have not ended, but no plan of the app file has them. Their users would lose access:",
      ...lines,
      "Keep the plan in the app file with isOffered: false, or cancel these subscriptions at Stripe first.",
    ].join("\n"),
  );
}
