import { MongoClient } from "mongodb";
import { withDatabase } from "#tools/local/database/uri.ts";

export const EXPIRING = "expiring";
/** A document whose time was over when it was inserted, and one with an hour to live. */
export const OVER = "over";
export const NOT_YET = "not yet";

/**
 * Inserts both as the run begins; a test looks at its end, since an engine takes up to a minute to notice.
 * @returns the URI of their database
 */
export async function plantExpiring(server: string, databasePrefix: string): Promise<string> {
  const uri = withDatabase(server, `${databasePrefix}expiring`);
  const client = await MongoClient.connect(uri);
  const expiring = client.db().collection<{ _id: string; purgeAt: Date }>(EXPIRING);
  await expiring.createIndex({ purgeAt: 1 }, { expireAfterSeconds: 0 });
  await expiring.insertMany([
    { _id: OVER, purgeAt: new Date(Date.now() - 1000) },
    { _id: NOT_YET, purgeAt: new Date(Date.now() + 3_600_000) },
  ]);
  await client.close();
  return uri;
}
