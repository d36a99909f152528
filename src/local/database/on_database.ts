import type { Db } from "mongodb";
import { mongoVariables, openMongo } from "#core/clients/mongo.ts";
import { readConfig } from "#core/config.ts";

const UNREACHABLE = /^Mongo(ServerSelection|Network|NetworkTimeout|PoolCleared)Error$/;

/** Runs a command's work on the database that MONGODB_URI names. A failure is one line and status 1. */
export async function onDatabase(work: (database: Db) => Promise<void>): Promise<void> {
  try {
    const uri = readConfig(mongoVariables, process.env).MONGODB_URI;
    const { client, database } = openMongo(uri, { isCommand: true });
    try {
      await client.connect();
      await work(database);
    } finally {
      await client.close();
    }
  } catch (error) {
    // The driver names hosts, never the URI, which holds a password.
    const { name, message } = error as Error;
    const isLost = UNREACHABLE.test(name);
    console.error(isLost ? `The database of MONGODB_URI can't be reached (${message}).` : message);
    process.exitCode = 1;
  }
}
