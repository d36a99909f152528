import { MongoClient } from "mongodb";
import { withDatabase } from "#tools/local/database/uri.ts";

export const EXPIRING = "expiring";
/** Ids of a document that has expired when it is inserted, and of a document that expires in an hour. */
export const OVER = "over";
export const NOT_YET = "not yet";

/**
 * Inserts both documents at the start of the run. A test checks at its end which are left, since a TTL index deletes within a
 * minute.
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
