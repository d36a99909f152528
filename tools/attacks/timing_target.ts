import { randomBytes } from "node:crypto";
import app from "#app";
import { createIndexes } from "#core/repositories/index_setup.ts";
import { findDatabase } from "#tools/local/database/find_database.ts";
import { type Gateway, openGateway } from "#tools/local/gateway.ts";
import { withSampleClients } from "#tools/local/sample_clients.ts";
import { localEnvironment, makeSecrets } from "#tools/local/secrets.ts";
import { startSesDouble } from "#tools/local/ses_double.ts";
import { startAppStripeDouble } from "#tools/local/stripe_account/app_double.ts";

/** The service whose response times are compared. */
export interface Target {
  gateway: Gateway;
  internalKey: string;
  /** Engine and version. */
  database: string;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<{ body?: string }>;
  close(): Promise<void>;
}

/**
 * Starts Nest on a new database. Every rate limit is on but too high to be reached, so that each call executes all its
 * steps.
 */
export async function openTarget(): Promise<Target> {
  const found = await findDatabase({ dataDirectory: null, say: (line) => console.error(line) });
  const ses = await startSesDouble();
  const stripe = await startAppStripeDouble();
  const secrets = await makeSecrets();
  const uri = new URL(found.uri.replace(/^mongodb/, "http"));
  uri.pathname = `/nest-timing-${randomBytes(6).toString("hex")}`;
  const mongoUri = uri.href.replace(/^http/, "mongodb");
  const environment = localEnvironment(secrets, {
    issuer: "https://nest.test",
    mongoUri,
    sesUrl: ses.url,
    stripe,
  });
  const limits = Object.keys(environment).filter((name) => name.startsWith("LIMIT_"));
  for (const name of [
    ...limits,
    "LIMIT_LINKS_PER_ADDRESS",
    "LIMIT_PASSWORD_FAILURES_PER_IDENTIFIER_AND_NETWORK",
    "LIMIT_LINKS_PER_KNOWN_DEVICE",
    "LIMIT_MAILS_PER_HOUR",
  ])
    environment[name] = "100000000";
  const gateway = await openGateway(environment, {
    app: withSampleClients(app),
    write: () => undefined,
  });
  await createIndexes(gateway.mongo.database);
  return {
    gateway,
    internalKey: secrets.internalKey,
    database: `${found.engine} ${found.version}`,
    post: (path, body, headers = {}) =>
      gateway.invoke({
        method: "POST",
        path,
        headers: { "content-type": "application/json", ...headers },
        body: Buffer.from(JSON.stringify(body)),
        ip: "203.0.113.9",
      }),
    async close() {
      await gateway.mongo.database.dropDatabase();
      await gateway.close();
      await ses.close();
      await stripe.close();
      await found.stop();
    },
  };
}
