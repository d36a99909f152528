import { openMongo } from "#core/clients/mongo.ts";
import { type Clock, plusSeconds } from "#core/clock.ts";
import { createIndexes } from "#core/repositories/index_setup.ts";
import { startLocalApi } from "#local/api_server.ts";
import { openGateway } from "#local/gateway.ts";
import { makeSecrets } from "#local/secrets.ts";
import { type SesDouble, startSesDouble } from "#local/ses_double.ts";
import { type StripeDouble, startStripeDouble } from "#local/stripe/stripe_double.ts";
import { freshDatabaseUri } from "#tests/support/database.ts";

/** What `npm start` serves, on a port of its own. */
export interface Port {
  url: string;
  ses: SesDouble;
  stripe: StripeDouble;
  /** Moves Nest's clock. */
  advance(seconds: number): void;
  /** The same Nest with other variables, on another port. */
  beside(environment: Record<string, string>): Promise<{ url: string; close(): Promise<void> }>;
  close(): Promise<void>;
}

/** Starts it over a database of its own. */
export async function startPort(): Promise<Port> {
  const [ses, stripe, secrets] = await Promise.all([startSesDouble(), startStripeDouble(), makeSecrets()]);
  const mongoUri = freshDatabaseUri();
  const { client, database } = openMongo(mongoUri, { isCommand: true });
  await createIndexes(database);
  let moved = 0;
  const clock: Clock = { now: () => plusSeconds(new Date(), moved) };
  const start = (change: Record<string, string>) =>
    startLocalApi({
      port: 0,
      mongoUri,
      ses,
      stripe,
      secrets,
      database: { engine: "test", version: "1" },
      open: (environment) => openGateway({ ...environment, ...change }, { write: () => undefined, clock }),
    });
  const api = await start({});
  return {
    url: api.url,
    ses,
    stripe,
    advance: (seconds) => {
      moved += seconds;
    },
    beside: (environment) => start({ ISSUER: api.url, ...environment }),
    async close() {
      await api.close();
      await ses.close();
      await stripe.close();
      await database.dropDatabase();
      await client.close();
    },
  };
}
