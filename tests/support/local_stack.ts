import type { Db } from "mongodb";
import currentApp from "#app";
import type { App } from "#core/app/app.ts";
import { type Clock, plusSeconds } from "#core/clock.ts";
import { openMongo } from "#core/services/mongo.ts";
import type { StripeDouble } from "#stripe_double/stripe_double.ts";
import { prepareDatabase, releaseDatabase, takeDatabaseUri } from "#tests/support/database.ts";
import { BUSY_MACHINE } from "#tests/support/nest.ts";
import { type LocalApi, startLocalApi } from "#tools/local/api_server.ts";
import { stackClock } from "#tools/local/dev/clock.ts";
import { openGateway } from "#tools/local/gateway.ts";
import { type HibpDouble, startHibpDouble } from "#tools/local/hibp_double.ts";
import { type OAuthDouble, startOAuthDouble } from "#tools/local/oauth_double.ts";
import { withSampleClients } from "#tools/local/sample_clients.ts";
import { captchaSecrets, type LocalSecrets, makeSecrets } from "#tools/local/secrets.ts";
import { type SesDouble, startSesDouble } from "#tools/local/ses_double.ts";
import { type SiteverifyDouble, startSiteverifyDouble } from "#tools/local/siteverify_double.ts";
import { type SnsDouble, startSnsDouble } from "#tools/local/sns_double.ts";
import { startAppStripeDouble } from "#tools/local/stripe_account/app_double.ts";

/** The stack of `npm start`, in this process, with its own database and a clock that the test advances. */
export interface TestStack extends AsyncDisposable {
  api: LocalApi;
  ses: SesDouble;
  sns: SnsDouble;
  siteverify: SiteverifyDouble;
  oauth: OAuthDouble;
  hibp: HibpDouble;
  stripe: StripeDouble;
  database: Db;
  /** Also the private keys, with which a test forges tokens. */
  secrets: LocalSecrets;
  /** Advances Nest's clock. */
  pass(seconds: number): void;
  /** The time of the stack's clock. */
  now(): Date;
  /** Starts a second Nest of another app on the same database, Stripe and SES, on another port. */
  beside(other: { app: App }): Promise<LocalApi>;
  /** Sends an HTTP request to the stack. A body is sent as JSON, a string unchanged. */
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<StackAnswer>;
}

export interface StackAnswer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any shape
  body: any;
}

/**
 * Starts a stack for tests. Dispose it to stop everything, and to let a later test use its database.
 * @param options.app replaces the app of this process
 * @param options.settings settings of the functions, such as limits
 * @param options.withClients changes the app once it has the sample clients
 */
export async function startTestStack({
  app = currentApp,
  settings = {} as Readonly<Record<string, string>>,
  withClients = (served: App): App => served,
} = {}): Promise<TestStack> {
  let aheadSeconds = 0;
  const clock: Clock = { now: () => plusSeconds(new Date(), aheadSeconds) };
  const mongoUri = takeDatabaseUri();
  const { client, database } = openMongo(mongoUri, { monitorCommands: true });
  await prepareDatabase(database, client);
  const stripe = await startAppStripeDouble({ app });
  const ses = await startSesDouble({ clock: stackClock(stripe) });
  const sns = await startSnsDouble({ clock: stackClock(stripe) });
  const siteverify = await startSiteverifyDouble({ clock: stackClock(stripe) });
  const oauth = await startOAuthDouble({ clock: stackClock(stripe) });
  const hibp = await startHibpDouble();
  const secrets = await makeSecrets();
  const start = (change: Record<string, string>, served: App) =>
    startLocalApi({
      port: 0,
      mongoUri,
      ses,
      sns,
      siteverify,
      oauth,
      hibp,
      stripe,
      secrets,
      settings,
      database: { engine: "test", version: "1" },
      write: () => undefined,
      open: (environment, write) =>
        openGateway(
          { ...environment, CAPTCHA_SECRETS: captchaSecrets(served), ...change },
          {
            write,
            clock,
            app: withClients(withSampleClients(served, environment.ISSUER)),
            slowdown: BUSY_MACHINE,
          },
        ),
    });
  const api = await start({}, app);
  return {
    api,
    ses,
    sns,
    siteverify,
    oauth,
    hibp,
    stripe,
    database,
    secrets,
    now: () => clock.now(),
    pass(seconds) {
      aheadSeconds += seconds;
    },
    beside: (other) => start({ ISSUER: api.url }, other.app),
    async ask(method, path, body, headers = {}) {
      const response = await fetch(`${api.url}${path}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      return {
        status: response.status,
        headers: response.headers,
        body: text === "" ? undefined : JSON.parse(text),
      };
    },
    async [Symbol.asyncDispose]() {
      await api.close();
      await ses.close();
      await sns.close();
      await siteverify.close();
      await oauth.close();
      await hibp.close();
      await stripe.close();
      await client.close();
      releaseDatabase(mongoUri);
    },
  };
}
