import { randomBytes } from "node:crypto";
import { type Db, MongoClient } from "mongodb";
import { inject } from "vitest";
import { COLLECTIONS, createIndexes } from "#core/repositories/index_setup.ts";

/** A URI of a new database on the run's server. The run drops it at its end. */
export function freshDatabaseUri(): string {
  const uri = new URL(inject("mongoUri").replace(/^mongodb/, "http"));
  uri.pathname = `/${inject("databasePrefix")}${randomBytes(6).toString("hex")}`;
  uri.searchParams.set("maxPoolSize", "64");
  return uri.href.replace(/^http/, "mongodb");
}

/** Opens a new database; disposing closes the client. */
export async function openFreshDatabase(): Promise<{ database: Db; [Symbol.asyncDispose](): Promise<void> }> {
  const uri = freshDatabaseUri();
  const client = await MongoClient.connect(uri, { writeConcern: { w: "majority" }, monitorCommands: true });
  const database = client.db();
  return {
    database,
    async [Symbol.asyncDispose]() {
      await client.close();
    },
  };
}

/** URIs of databases that tests released. They keep their indexes, which take longer to create than most tests run. */
const used: string[] = [];
/** Names of databases that have every index. To create the indexes again would take longer than to empty the collections. */
const indexed = new Set<string>();
const INDEX_COMMANDS = new Set(["createIndexes", "dropIndexes", "collMod"]);
/** Prepares all databases of this process: a client of each test would open a connection for each collection. */
let preparing: MongoClient | undefined;

/** A URI for `prepareDatabase`, of a released database if there is one. */
export const takeDatabaseUri = (): string => used.pop() ?? freshDatabaseUri();

/** Lets another test reuse a database. The caller must not write to it any more. */
export function releaseDatabase(uri: string): void {
  used.push(uri);
}

/**
 * Empties every collection of Nest, drops any other collection, and creates the indexes unless an earlier call did.
 * @param client watched, so that the next call creates the indexes again if a test changes them by this client
 */
export async function prepareDatabase({ databaseName: name }: Db, client: MongoClient): Promise<void> {
  preparing ??= new MongoClient(inject("mongoUri"), { maxPoolSize: 4, serverSelectionTimeoutMS: 120_000 });
  const database = preparing.db(name);
  const present = await database.listCollections({}, { nameOnly: true }).toArray();
  await Promise.all(
    present.map((collection) =>
      collection.name in COLLECTIONS
        ? database.collection(collection.name).deleteMany({})
        : database.dropCollection(collection.name),
    ),
  );
  const names = new Set(present.map((collection) => collection.name));
  if (!indexed.has(name) || Object.keys(COLLECTIONS).some((collection) => !names.has(collection)))
    await createIndexes(database);
  indexed.add(name);
  client.on("commandStarted", ({ commandName }) => {
    if (INDEX_COMMANDS.has(commandName)) indexed.delete(name);
  });
}
