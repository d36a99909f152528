import { randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { createIndexes } from "#core/repositories/index_setup.ts";
import { openMongo } from "#core/services/mongo.ts";
import { startLocalApi } from "#tools/local/api_server.ts";
import { findDatabase } from "#tools/local/database/find_database.ts";
import { withDatabase } from "#tools/local/database/uri.ts";
import { openReloadingGateway } from "#tools/local/reloading_gateway.ts";
import { loadSecrets, makeSecrets } from "#tools/local/secrets.ts";
import { startSesDouble } from "#tools/local/ses_double.ts";
import { startBeakStripeDouble } from "#tools/local/stripe_account/beak_double.ts";
import { openTestMode } from "#tools/local/stripe_account/test_mode.ts";
import { dataDirectory } from "#tools/machine/cache_directory.ts";
import { holdFolder } from "#tools/machine/lock.ts";

export interface StackOptions {
  /** 0 for any free one. */
  port: number;
  /** Keep nothing between runs. */
  isThrowAway: boolean;
  /** Empty what earlier runs kept. */
  isFresh?: boolean;
  /** Tells a person what happens. */
  say: (line: string) => void;
  /** Takes a finished log line of the API. */
  write: (line: string) => void;
}

export interface LocalStack {
  url: string;
  database: { engine: string; version: string; how: string };
  /** Which Stripe, for a person. */
  stripe: string;
  /** Resolves with a sentence if a part ends by itself. */
  broke: Promise<string>;
  close(): Promise<void>;
}

/**
 * Nest on one machine: a database, SES with an inbox, Stripe, the API and its page. Stripe is our double, or the test mode
 * of the account that STRIPE_SECRET_KEY is a key of.
 * @throws Error if a part can't be had or the port is taken; what was started by then is stopped
 */
export async function startLocalStack(options: StackOptions): Promise<LocalStack> {
  const cleanup = new AsyncDisposableStack();
  try {
    const folder = options.isThrowAway ? null : dataDirectory();
    if (folder) await prepareFolder(folder, options, cleanup);
    // What keeps nothing must not leave anything in somebody's account either.
    const real = options.isThrowAway ? null : await openTestMode(process.env, options.say);
    const stripe = real ?? (await startBeakStripeDouble());
    cleanup.defer(stripe.close);
    const database = await findDatabase({ dataDirectory: folder, say: options.say });
    cleanup.defer(database.stop);
    if (options.isFresh && process.env.MONGODB_URI)
      options.say("MONGODB_URI is yours: --fresh leaves it as it is.");
    const mongoUri = await openDatabase(database.uri, options, cleanup);
    const ses = await startSesDouble();
    cleanup.defer(ses.close);
    const api = await startLocalApi({
      port: options.port,
      mongoUri,
      ses,
      stripe,
      secrets: folder ? await loadSecrets(folder) : await makeSecrets(),
      database: { engine: database.engine, version: database.version },
      open: (environment) => openReloadingGateway(environment, options),
      write: options.write,
    });
    cleanup.defer(api.close);
    return {
      url: api.url,
      database,
      stripe: stripe.mode === "double" ? "our own double" : "the test mode of your account",
      broke: database.died.then(() => `The database (${database.engine}) has ended.`),
      close: () => cleanup.disposeAsync(),
    };
  } catch (error) {
    // What went wrong first is what a person must hear.
    await cleanup.disposeAsync().catch(() => undefined);
    throw error;
  }
}

async function prepareFolder(
  folder: string,
  { isFresh }: StackOptions,
  cleanup: AsyncDisposableStack,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  cleanup.defer(await holdFolder(folder));
  if (isFresh) await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
}

/** Makes the indexes, and names the database: a throw-away one of its own is dropped at the end. */
async function openDatabase(
  server: string,
  options: StackOptions,
  cleanup: AsyncDisposableStack,
): Promise<string> {
  const uri = options.isThrowAway
    ? withDatabase(server, `nest-${randomBytes(6).toString("hex")}`)
    : withDatabase(server, null);
  const { client, database } = openMongo(uri, { isCommand: true });
  try {
    await createIndexes(database);
  } finally {
    await client.close();
  }
  if (options.isThrowAway) {
    cleanup.defer(async () => {
      const { client, database } = openMongo(uri, { isCommand: true });
      await database.dropDatabase().finally(() => client.close());
    });
  }
  return uri;
}
