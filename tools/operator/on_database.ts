import type { Db } from "mongodb";
import { readConfig } from "#core/config.ts";
import { mongoVariables, openMongo } from "#core/services/mongo.ts";
import type { Terminal } from "#tools/terminal/command.ts";
import { CommandError } from "#tools/terminal/errors.ts";

const UNREACHABLE = /^Mongo(ServerSelection|Network|NetworkTimeout|PoolCleared)Error$/;

/**
 * Runs a command's work on the database that MONGODB_URI names.
 * @param variable another variable that names a database
 * @throws ConfigError; CommandError if the database can't be reached
 */
export async function onDatabase<Result>(
  { environment }: Pick<Terminal, "environment">,
  work: (database: Db) => Promise<Result>,
  variable = "MONGODB_URI",
): Promise<Result> {
  const uri = readConfig({ [variable]: mongoVariables.MONGODB_URI }, environment)[variable] ?? "";
  const { client, database } = openMongo(uri, {
    isCommand: true,
    isTlsOptional: environment.STAGE === "local",
  });
  try {
    await client.connect();
    return await work(database);
  } catch (error) {
    // The driver names hosts, never the URI, which holds a password.
    const { name, message } = error as Error;
    if (UNREACHABLE.test(name))
      throw new CommandError(
        `The database of ${variable} can't be reached (${message}). Check the URI and the network.`,
      );
    throw error;
  } finally {
    await client.close();
  }
}
