import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Db } from "mongodb";
import { createIndexes } from "#core/repositories/index_setup.ts";
import { openMongo } from "#core/services/mongo.ts";
import type { StripeDouble } from "#stripe_double/stripe_double.ts";
import { findDatabase } from "#tools/local/database/find_database.ts";
import type { FoundDatabase } from "#tools/local/database/found_database.ts";
import { throughProxy, withDatabase, withOptions } from "#tools/local/database/uri.ts";
import { type LocalSecrets, localEnvironment, makeSecrets } from "#tools/local/secrets.ts";
import { startAppStripeDouble } from "#tools/local/stripe_account/app_double.ts";

/** Connections of each measured process. More concurrent calls than these wait for a connection. */
const CONNECTIONS = 64;

/** The database server, doubles and secrets that all sections of a run share. */
export interface BenchEnvironment {
  database: FoundDatabase;
  stripe: StripeDouble;
  secrets: LocalSecrets;
  /** An endpoint that accepts every mail and keeps none, so that the SES double is not measured. */
  mailUrl: string;
  /**
   * Opens an empty database with Nest's indexes.
   * @param proxyPort the port of a proxy in front of the server, which only `uri` and `environment` go through
   */
  openDatabase(name: string, proxyPort?: number): Promise<BenchDatabase>;
  close(): Promise<void>;
}

export interface BenchDatabase {
  uri: string;
  database: Db;
  /** The environment of Nest's functions. Every rate limit is on and too high to be reached. */
  environment: Record<string, string>;
  drop(): Promise<void>;
}

export async function openBenchEnvironment(): Promise<BenchEnvironment> {
  const found = await findDatabase({ dataDirectory: null, say: (line) => console.error(line) });
  const stripe = await startAppStripeDouble();
  const secrets = await makeSecrets();
  const mail = await startMailSink();
  return {
    database: found,
    stripe,
    secrets,
    mailUrl: mail.url,
    async openDatabase(name, proxyPort) {
      const databaseName = `nest-bench-${name}-${randomBytes(4).toString("hex")}`;
      const direct = withOptions(withDatabase(found.uri, databaseName), { maxPoolSize: String(CONNECTIONS) });
      const uri = proxyPort === undefined ? direct : throughProxy(direct, proxyPort);
      const { client, database } = openMongo(direct, { isCommand: true });
      await createIndexes(database);
      const parts = { issuer: "https://nest.test", mongoUri: uri, sesUrl: mail.url, stripe };
      return {
        uri,
        database,
        environment: withLimitsOutOfReach(localEnvironment(secrets, parts)),
        async drop() {
          await database.dropDatabase();
          await client.close();
        },
      };
    },
    async close() {
      await mail.close();
      await stripe.close();
      await found.stop();
    },
  };
}

function withLimitsOutOfReach(environment: Record<string, string>): Record<string, string> {
  const names = [
    ...Object.keys(environment).filter((name) => name.startsWith("LIMIT_")),
    "LIMIT_LINKS_PER_ADDRESS",
    "LIMIT_LINKS_PER_KNOWN_DEVICE",
    "LIMIT_MAILS_PER_HOUR",
  ];
  return { ...environment, ...Object.fromEntries(names.map((name) => [name, "100000000"])) };
}

async function startMailSink() {
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      response.writeHead(200, { "content-type": "application/json" }).end('{"MessageId":"bench"}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}
