import { randomBytes } from "node:crypto";
import { MongoClient } from "mongodb";
import type { TestProject } from "vitest/node";
import { plantExpiring } from "#tests/support/expiring.ts";
import { ensureSchema } from "#tests/support/stripe_schema/cached.ts";
import { findDatabase } from "#tools/local/database/find_database.ts";

declare module "vitest" {
  interface ProvidedContext {
    mongoUri: string;
    mongoEngine: string;
    /** Prefix of the names of this run's databases. */
    databasePrefix: string;
    /** URI of the database with the documents for the TTL test. */
    expiringUri: string;
    /** Path of the JSON schemas of Stripe's API, generated from the pinned SDK. */
    stripeSchema: string;
  }
}

/**
 * Finds a database server and generates Stripe's schemas for the whole run. Each test has its own databases on the
 * server.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const database = await findDatabase({ dataDirectory: null, say: (line) => console.log(line) });
  console.log(`Database: ${database.engine} ${database.version}, ${database.how}`);
  project.provide("mongoUri", database.uri);
  project.provide("mongoEngine", database.engine);
  project.provide("stripeSchema", await ensureSchema());
  const databasePrefix = `nest-test-${randomBytes(4).toString("hex")}-`;
  project.provide("databasePrefix", databasePrefix);
  project.provide("expiringUri", await plantExpiring(database.uri, databasePrefix));
  return async () => {
    // The databases of a server that the run started need no dropping.
    if (process.env.MONGODB_URI) await dropDatabases(database.uri, databasePrefix);
    await database.stop();
  };
}

async function dropDatabases(server: string, prefix: string): Promise<void> {
  const client = await MongoClient.connect(server);
  const { databases } = await client.db().admin().listDatabases({ nameOnly: true });
  for (const { name } of databases) if (name.startsWith(prefix)) await client.db(name).dropDatabase();
  await client.close();
}
