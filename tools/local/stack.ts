import { randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { createIndexes } from "#core/repositories/index_setup.ts";
import { openMongo } from "#core/services/mongo.ts";
import { startLocalApi } from "#tools/local/api_server.ts";
import { findDatabase } from "#tools/local/database/find_database.ts";
import { withDatabase } from "#tools/local/database/uri.ts";
import { stackClock } from "#tools/local/dev/clock.ts";
import { startHibpDouble } from "#tools/local/hibp_double.ts";
import { startOAuthDouble } from "#tools/local/oauth_double.ts";
import { openReloadingGateway } from "#tools/local/reloading_gateway.ts";
import { loadSecrets, makeSecrets } from "#tools/local/secrets.ts";
import { startSesDouble } from "#tools/local/ses_double.ts";
import { describeSettings, readShellSettings } from "#tools/local/shell_settings.ts";
import { startSiteverifyDouble } from "#tools/local/siteverify_double.ts";
import { startSnsDouble } from "#tools/local/sns_double.ts";
import { startAppStripeDouble } from "#tools/local/stripe_account/app_double.ts";
import { openTestMode } from "#tools/local/stripe_account/test_mode.ts";
import { dataDirectory } from "#tools/machine/cache_directory.ts";
import { holdFolder } from "#tools/machine/lock.ts";
import type { Step } from "#tools/terminal/progress.ts";

export interface StackOptions {
  /** 0 picks a free port. */
  port: number;
  /** Deletes the data when the stack closes, and never uses a real Stripe account. */
  isThrowAway: boolean;
  /** Deletes the data of earlier runs before the start. */
  isFresh?: boolean;
  /** Prints a line for the developer. */
  say: (line: string) => void;
  /** Shows a slow step. By default `say` prints its title and its duration. */
  step?: Step;
  /** Receives each log line of the API. */
  write: (line: string) => void;
}

export interface LocalStack {
  url: string;
  database: { engine: string; version: string; how: string };
  /** Lines that say which settings of the shell are used and which are ignored. */
  settings: string[];
  /** Describes which Stripe is used. */
  stripe: string;
  /** Resolves with a message if a part of the stack ends by itself. */
  broke: Promise<string>;
  close(): Promise<void>;
}

/**
 * Starts Nest on this machine: a database, the SES double, Stripe, the API and the local page. Stripe is the double, or the
 * test mode of the account of STRIPE_SECRET_KEY.
 * @throws Error if a part can't start or the port is in use; the parts that started are stopped first
 */
export async function startLocalStack(options: StackOptions): Promise<LocalStack> {
  const cleanup = new AsyncDisposableStack();
  try {
    const folder = options.isThrowAway ? null : dataDirectory();
    // A throwaway stack is the same on every machine.
    const settings = await readShellSettings(options.isThrowAway ? {} : process.env);
    if (folder) await prepareFolder(folder, options, cleanup);
    // A throwaway stack must not leave customers in a real Stripe account.
    const real = options.isThrowAway ? null : await openTestMode(process.env, options.say);
    const stripe = real ?? (await startAppStripeDouble());
    cleanup.defer(stripe.close);
    const database = await findDatabase({ dataDirectory: folder, say: options.say, step: options.step });
    cleanup.defer(database.stop);
    if (options.isFresh && process.env.MONGODB_URI)
      options.say("--fresh does not empty the database of MONGODB_URI. Drop it yourself if you want to.");
    const mongoUri = await openDatabase(database.uri, options, cleanup);
    const ses = await startSesDouble({ clock: stackClock(stripe) });
    cleanup.defer(ses.close);
    const sns = await startSnsDouble({ clock: stackClock(stripe) });
    cleanup.defer(sns.close);
    const siteverify = await startSiteverifyDouble({ clock: stackClock(stripe) });
    cleanup.defer(siteverify.close);
    const oauth = await startOAuthDouble({ clock: stackClock(stripe) });
    cleanup.defer(oauth.close);
    const hibp = await startHibpDouble();
    cleanup.defer(hibp.close);
    const api = await startLocalApi({
      port: options.port,
      mongoUri,
      ses,
      sns,
      siteverify,
      oauth,
      hibp,
      stripe,
      settings: settings.taken,
      secrets: folder ? await loadSecrets(folder) : await makeSecrets(),
      database: { engine: database.engine, version: database.version },
      open: (environment, write) => openReloadingGateway(environment, { ...options, write }),
      write: options.write,
      say: options.say,
    });
    cleanup.defer(api.close);
    return {
      url: api.url,
      database,
      settings: describeSettings(settings),
      stripe: stripe.mode === "double" ? "the double on this machine" : "the test mode of your account",
      broke: database.died.then(() => `The database (${database.engine}) ended unexpectedly.`),
      close: () => cleanup.disposeAsync(),
    };
  } catch (error) {
    // Report the error of the start, not one of the cleanup.
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

/** Creates the indexes of the stack's database, and returns its URI. A throwaway database is dropped at the end. */
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
