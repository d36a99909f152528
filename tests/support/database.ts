import { randomBytes } from "node:crypto";
import { type Db, MongoClient } from "mongodb";
import { inject } from "vitest";

/** A URI with a database of its own, on whatever server the run found. */
export function freshDatabaseUri(): string {
  const uri = new URL(inject("mongoUri").replace(/^mongodb/, "http"));
  uri.pathname = `/nest-test-${randomBytes(6).toString("hex")}`;
  uri.searchParams.set("maxPoolSize", "64");
  return uri.href.replace(/^http/, "mongodb");
}

/** Opens a database of one's own; disposing removes it. */
export async function openFreshDatabase(): Promise<{ database: Db; [Symbol.asyncDispose](): Promise<void> }> {
  const uri = freshDatabaseUri();
  const client = await MongoClient.connect(uri, { writeConcern: { w: "majority" } });
  const database = client.db();
  return {
    database,
    async [Symbol.asyncDispose]() {
      await database.dropDatabase();
      await client.close();
    },
  };
}
