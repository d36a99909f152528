import { randomBytes } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { parse, stringify } from "yaml";
import app from "#app";
import { openMongo } from "#core/services/mongo.ts";
import type { StripeDouble } from "#stripe_double/stripe_double.ts";
import { LiveStack } from "#tools/deploy/live_stack.ts";
import { type ApiDouble, startApiDouble } from "#tools/deploy/verify/api_double.ts";
import { type Moto, startMoto } from "#tools/deploy/verify/moto.ts";
import { copyRepository, type WorkingCopy } from "#tools/deploy/verify/working_copy.ts";
import { findDatabase } from "#tools/local/database/find_database.ts";
import { withDatabase } from "#tools/local/database/uri.ts";
import { type SesDouble, startSesDouble } from "#tools/local/ses_double.ts";
import { startAppStripeDouble } from "#tools/local/stripe_account/app_double.ts";
import { type StageSettings, settingsPath } from "#tools/stage/settings.ts";

/** Doubles of everything that a deployment needs, on loopback. */
export interface Rehearsal {
  moto: Moto;
  ses: SesDouble;
  stripe: StripeDouble;
  mongoUri: string;
  api: ApiDouble;
  copy: WorkingCopy;
  stack: LiveStack;
  settings: StageSettings;
  /** The path of the stage file. */
  settingsFile: string;
  /** The environment variables that make commands use the doubles. */
  environment: Record<string, string>;
  close(): Promise<void>;
}

const REGION = "eu-west-2";
const CREDENTIALS = { AWS_ACCESS_KEY_ID: "rehearsal", AWS_SECRET_ACCESS_KEY: "rehearsal" };

export interface RehearsalOptions {
  /** The folder of the Python environment's programs. */
  tools: string;
  /** Prints a line to the terminal. */
  say: (line: string) => void;
  /** Aborts the start. Everything that was started is then stopped. */
  signal: AbortSignal;
}

/**
 * Starts doubles of AWS, SES, Stripe and API Gateway and a database, and copies the repository. If a step fails or the
 * signal aborts, everything is removed.
 */
export async function startRehearsal(options: RehearsalOptions): Promise<Rehearsal> {
  const { signal } = options;
  const cleanup = new AsyncDisposableStack();
  try {
    const copy = await copyRepository();
    cleanup.defer(copy.remove);
    const doubles = await startDoubles(cleanup, options);
    const environment = {
      ...CREDENTIALS,
      AWS_REGION: REGION,
      AWS_ENDPOINT_URL: doubles.moto.url,
      STRIPE_URL: doubles.stripe.url,
    };
    // The AWS clients of this process read them as well.
    Object.assign(process.env, environment);
    const settings = await completeNonprod(copy.folder);
    const settingsFile = `${copy.folder}.yml`;
    await writeFile(settingsFile, stringify(settings));
    cleanup.defer(async () => {
      for (const file of [settingsFile, `${settingsFile}.sh`]) await rm(file, { force: true });
    });
    const stack = new LiveStack("nonprod", settings);
    const api = await startApiDouble({
      stack,
      lambda: new LambdaClient({ region: REGION }),
      environment: { ...environment, AWS_ENDPOINT_URL_SESV2: doubles.ses.url },
    });
    cleanup.defer(api.close);
    signal.throwIfAborted();
    const close = () => cleanup.disposeAsync();
    return { ...doubles, api, copy, stack, settings, settingsFile, environment, close };
  } catch (error) {
    await cleanup.disposeAsync().catch(() => undefined);
    throw error;
  }
}

async function startDoubles(
  cleanup: AsyncDisposableStack,
  { tools, say, signal }: RehearsalOptions,
): Promise<Pick<Rehearsal, "moto" | "ses" | "stripe" | "mongoUri">> {
  signal.throwIfAborted();
  const moto = await startMoto(tools);
  cleanup.defer(moto.stop);
  signal.throwIfAborted();
  const database = await findDatabase({ dataDirectory: null, say });
  cleanup.defer(database.stop);
  const name = `nest-verify-${randomBytes(6).toString("hex")}`;
  const mongoUri = withDatabase(database.uri, name);
  // The data of a server that was started here ends with it. Ctrl-C in a terminal may have ended the server already.
  if (process.env.MONGODB_URI)
    cleanup.defer(() =>
      dropDatabase(mongoUri).catch(() => say(`The database ${name} could not be dropped.`)),
    );
  signal.throwIfAborted();
  const ses = await startSesDouble();
  cleanup.defer(ses.close);
  const secretKey = `sk_test_${randomBytes(12).toString("hex")}`;
  const webhookSecret = `whsec_${randomBytes(12).toString("hex")}`;
  const stripe = await startAppStripeDouble({ secretKey, webhookSecret });
  cleanup.defer(stripe.close);
  return { moto, ses, stripe, mongoUri };
}

async function dropDatabase(uri: string): Promise<void> {
  const { client, database } = openMongo(uri, { isCommand: true });
  await database.dropDatabase().finally(() => client.close());
}

/** Returns the settings of the committed nonprod file, with the empty ones filled in. */
async function completeNonprod(folder: string): Promise<StageSettings> {
  const committed = parse(await readFile(join(folder, settingsPath("nonprod")), "utf8")) as StageSettings;
  return {
    ...committed,
    region: REGION,
    domain: {
      ...committed.domain,
      certificateArn: `arn:aws:acm:${REGION}:123456789012:certificate/5c1a0f5e-6f0c-4a53-9e37-0c1b1f2d3e4f`,
    },
    variables: {
      ...committed.variables,
      // The Stripe double sells the prices of the stage `local`.
      STRIPE_PRICE_ID: app.plans[0]?.prices.local.priceId ?? null,
      STRIPE_PRODUCT_IDS: app.plans.map(({ prices }) => prices.local.productId).join(",") || null,
    },
    alarms: { topicArn: null, email: app.addresses.support },
  };
}
