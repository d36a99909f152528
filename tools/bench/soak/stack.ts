import { randomBytes } from "node:crypto";
import type { Db } from "mongodb";
import { createIndexes } from "#core/repositories/index_setup.ts";
import { openMongo } from "#core/services/mongo.ts";
import type { StripeDouble } from "#stripe_double/stripe_double.ts";
import { startLocalApi } from "#tools/local/api_server.ts";
import { findDatabase } from "#tools/local/database/find_database.ts";
import type { FoundDatabase } from "#tools/local/database/found_database.ts";
import { serverOf, throughProxy, withDatabase, withOptions } from "#tools/local/database/uri.ts";
import { startHibpDouble } from "#tools/local/hibp_double.ts";
import { startOAuthDouble } from "#tools/local/oauth_double.ts";
import { openReloadingGateway } from "#tools/local/reloading_gateway.ts";
import { makeSecrets } from "#tools/local/secrets.ts";
import { type SesDouble, startSesDouble } from "#tools/local/ses_double.ts";
import { startSiteverifyDouble } from "#tools/local/siteverify_double.ts";
import { startSnsDouble } from "#tools/local/sns_double.ts";
import { startAppStripeDouble } from "#tools/local/stripe_account/app_double.ts";
import { type FaultProxy, httpProtocol, mongoProtocol, startFaultProxy } from "#tools/machine/fault_proxy.ts";

export const DEPENDENCIES = ["database", "mail", "Stripe"] as const;
export type Dependency = (typeof DEPENDENCIES)[number];

/** The local stack with a fault proxy in front of the database, SES and Stripe. */
export interface SoakStack {
  url: string;
  found: FoundDatabase;
  /** The database URI without the proxy, for the audit. */
  database: Db;
  ses: SesDouble;
  stripe: StripeDouble;
  proxies: Record<Dependency, FaultProxy>;
  /** Number of log lines by event. */
  logged: Map<string, number>;
  close(): Promise<void>;
}

/** Shorter than Stripe's delays, and in sum longer than a lease that a fault leaves behind. */
const RETRY_DELAYS_MS = [200, 400, 800, 1_600, 3_200, 6_400, ...Array.from({ length: 30 }, () => 10_000)];

export async function startSoakStack(): Promise<SoakStack> {
  const cleanup = new AsyncDisposableStack();
  try {
    const found = await findDatabase({ dataDirectory: null, say: (line) => console.error(line) });
    cleanup.defer(found.stop);
    const ses = await startSesDouble();
    cleanup.defer(ses.close);
    const sns = await startSnsDouble();
    cleanup.defer(sns.close);
    const siteverify = await startSiteverifyDouble();
    cleanup.defer(siteverify.close);
    const oauth = await startOAuthDouble();
    cleanup.defer(oauth.close);
    const hibp = await startHibpDouble();
    cleanup.defer(hibp.close);
    const stripe = await startAppStripeDouble({ retryDelaysMs: RETRY_DELAYS_MS });
    cleanup.defer(stripe.close);
    const uri = withDatabase(found.uri, `nest-soak-${randomBytes(4).toString("hex")}`);
    const { client, database } = openMongo(uri, { isCommand: true });
    cleanup.defer(() => client.close());
    await createIndexes(database);
    const proxies = {
      database: await proxyOf(mongoProtocol, uri),
      mail: await proxyOf(httpProtocol, ses.url),
      Stripe: await proxyOf(httpProtocol, stripe.url),
    };
    for (const proxy of Object.values(proxies)) cleanup.defer(proxy.close);
    const logged = new Map<string, number>();
    const behind = ({ port }: FaultProxy) => `http://127.0.0.1:${port}`;
    const api = await startLocalApi({
      port: 0,
      mongoUri: withOptions(throughProxy(uri, proxies.database.port), { maxPoolSize: "32" }),
      ses: { ...ses, url: behind(proxies.mail) },
      sns,
      siteverify,
      oauth,
      hibp,
      stripe: { ...stripe, url: behind(proxies.Stripe) },
      secrets: await makeSecrets(),
      database: found,
      open: (environment) =>
        openReloadingGateway(environment, {
          write(line) {
            const { event } = JSON.parse(line) as { event: string };
            logged.set(event, (logged.get(event) ?? 0) + 1);
          },
          say: (line) => console.error(line),
        }),
    });
    cleanup.defer(api.close);
    return {
      url: api.url,
      found,
      database,
      ses,
      stripe,
      proxies,
      logged,
      close: () => cleanup.disposeAsync(),
    };
  } catch (error) {
    await cleanup.disposeAsync().catch(() => undefined);
    throw error;
  }
}

async function proxyOf(protocol: typeof mongoProtocol, url: string): Promise<FaultProxy> {
  const proxy = await startFaultProxy(protocol);
  proxy.forwardTo(serverOf(url));
  return proxy;
}
