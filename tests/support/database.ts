import { randomBytes } from "node:crypto";
import { type Db, MongoClient } from "mongodb";
import { inject } from "vitest";
import { COLLECTIONS, createIndexes } from "#core/repositories/index_setup.ts";

/** A URI with a database of its own, on whatever server the run found. What a test leaves there is gone after the run. */
export function freshDatabaseUri(): string {
  const uri = new URL(inject("mongoUri").replace(/^mongodb/, "http"));
  uri.pathname = `/${inject("databasePrefix")}${randomBytes(6).toString("hex")}`;
  uri.searchParams.set("maxPoolSize", "64");
  return uri.href.replace(/^http/, "mongodb");
}

/** Opens a database of one's own; disposing closes it. */
export async function openFreshDatabase(): Promise<{ database: Db; [Symbol.asyncDispose](): Promise<void> }> {
  const uri = freshDatabaseUri();
  const client = await MongoClient.connect(uri, { writeConcern: { w: "majority" } });
  const database = client.db();
  return {
    database,
    async [Symbol.asyncDispose]() {
      await client.close();
    },
  };
}

/** URIs of databases with all indexes that a test is done with: making those takes longer than most tests. */
const used: string[] = [];

/** A URI for `prepareDatabase`, of a used database if there is one. */
export const takeDatabaseUri = (): string => used.pop() ?? freshDatabaseUri();

/** Lets another test have a database. Nothing may write there any more. */
export function giveBackDatabase(uri: string): void {
  used.push(uri);
}

/** Leaves every collection empty and every index in place, whatever the database was used for. */
export async function prepareDatabase(database: Db): Promise<void> {
  const present = await database.listCollections({}, { nameOnly: true }).toArray();
  await Promise.all(
    present.map(({ name }) =>
      name in COLLECTIONS ? database.collection(name).deleteMany({}) : database.dropCollection(name),
    ),
  );
  await createIndexes(database);
}
