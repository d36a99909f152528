import type { Server } from "node:http";
import type { Context } from "aws-lambda";
import app from "#app";
import { handler as sesEvents } from "#callbacks/ses_events.ts";
import type { Client } from "#core/app/app.ts";
import type { Environment } from "#core/config.ts";
import { type OpenCore, openCore } from "#core/core.ts";
import { serveEvent } from "#entry/event.ts";
import type { JobHandler } from "#entry/job.ts";
import type { StripeDouble } from "#stripe_double/stripe_double.ts";
import { auditRoute } from "#tools/local/dev/audit_routes.ts";
import { breachRoutes } from "#tools/local/dev/breach_routes.ts";
import { captchaRoutes } from "#tools/local/dev/captcha_routes.ts";
import { stackClock } from "#tools/local/dev/clock.ts";
import { EventTrigger } from "#tools/local/dev/event_trigger.ts";
import { jobRoutes } from "#tools/local/dev/job_routes.ts";
import { type Mails, mailRoutes } from "#tools/local/dev/mail_routes.ts";
import { startMinuteJobs } from "#tools/local/dev/minute_jobs.ts";
import { oauthRoutes } from "#tools/local/dev/oauth_routes.ts";
import { type DevRoute, route } from "#tools/local/dev/route.ts";
import { createDevRoutes } from "#tools/local/dev/routes.ts";
import { smsRoutes } from "#tools/local/dev/sms_routes.ts";
import { stripeRoutes } from "#tools/local/dev/stripe_routes.ts";
import { timelineRoute, trialRoute } from "#tools/local/dev/user_routes.ts";
import { webhookRoutes } from "#tools/local/dev/webhook_routes.ts";
import type { HibpDouble } from "#tools/local/hibp_double.ts";
import { withHints } from "#tools/local/hints.ts";
import { createHttpServer } from "#tools/local/http_server.ts";
import type { OAuthDouble } from "#tools/local/oauth_double.ts";
import type { Invoker } from "#tools/local/reloading_gateway.ts";
import {
  adapterClientId,
  isSample,
  SAMPLE_CLIENT_IDS,
  withSampleClients,
} from "#tools/local/sample_clients.ts";
import { type LocalSecrets, localEnvironment, operatorEnvironment } from "#tools/local/secrets.ts";
import type { SesDouble } from "#tools/local/ses_double.ts";
import type { SiteverifyDouble } from "#tools/local/siteverify_double.ts";
import type { SnsDouble } from "#tools/local/sns_double.ts";
import type { TestModeStripe } from "#tools/local/stripe_account/test_mode.ts";
import { freePort } from "#tools/machine/child_process.ts";
import { loadJobs } from "#tools/stage/jobs.ts";

export interface StackParts {
  /** 0 picks a free port. */
  port: number;
  mongoUri: string;
  ses: SesDouble;
  sns: SnsDouble;
  siteverify: SiteverifyDouble;
  oauth: OAuthDouble;
  hibp: HibpDouble;
  stripe: StripeDouble | TestModeStripe;
  secrets: LocalSecrets;
  /** Settings of the functions that replace the stack's defaults. */
  settings?: Readonly<Record<string, string>>;
  database: { engine: string; version: string };
  /** Opens the Lambda functions with the environment that a deployment gives them. */
  open: (environment: Environment, write: (line: string) => void) => Promise<Invoker>;
  /** Receives each log line. */
  write?: (line: string) => void;
  /** Prints a line for the developer. */
  say?: (line: string) => void;
}

export interface LocalApi {
  url: string;
  close(): Promise<void>;
}

/**
 * Serves the API, the local page and the routes under `/dev` on one port of loopback.
 * @throws Error EADDRINUSE if the port is in use
 */
export async function startLocalApi(parts: StackParts): Promise<LocalApi> {
  const { stripe } = parts;
  const port = parts.port === 0 ? await freePort() : parts.port;
  const url = `http://localhost:${port}`;
  const environment = localEnvironment(parts.secrets, {
    issuer: url,
    mongoUri: parts.mongoUri,
    sesUrl: parts.ses.url,
    snsUrl: parts.sns.url,
    siteverifyUrl: parts.siteverify.url,
    oauthUrl: parts.oauth.url,
    hibpUrl: parts.hibp.url,
    webhookHost: `localhost:${port}`,
    stripe,
    settings: parts.settings ?? {},
  });
  await using cleanup = new AsyncDisposableStack();
  const trigger = new EventTrigger();
  const gateway = await parts.open(environment, (line) => {
    parts.write?.(line);
    trigger.note(line);
  });
  cleanup.defer(() => gateway.close());
  const open = openCore(environment, {
    app: withSampleClients(app),
    ...(parts.write && { write: parts.write }),
  });
  cleanup.defer(() => open.mongo.client.close());
  const jobs = (await loadJobs()).map(({ handler }) => handler);
  cleanup.defer(startMinuteJobs(jobs, open, stackClock(stripe)));
  trigger.open(jobs, open, stackClock(stripe));
  cleanup.defer(() => trigger.close());
  const server = createHttpServer(
    withHints(gateway, { say: parts.say, clients: withSampleClients(app).clients, url }),
    createDevRoutes(devRoutes({ parts, url, environment, open, jobs })),
  );
  await listen(server, port);
  cleanup.defer(() => stopServer(server));
  stripe.deliverTo(`${url}/1/webhook/stripe`);
  cleanup.defer(() => stripe.deliverTo(null));
  if (stripe.mode === "double") stripe.portalReturnsTo(`${url}/`);
  const started = cleanup.move();
  return { url, close: () => started.disposeAsync() };
}

interface DevContext {
  parts: StackParts;
  url: string;
  environment: Record<string, string>;
  /** For SES events and jobs, which a deployed Nest gets from EventBridge and not through the API. */
  open: OpenCore;
  jobs: readonly JobHandler[];
}

function devRoutes({ parts, url, environment, open, jobs }: DevContext): DevRoute[] {
  const { stripe } = parts;
  const mails: Mails = {
    ses: parts.ses,
    sendEvent: (event) =>
      serveEvent(sesEvents.declaration, open)(event, { awsRequestId: event.id } as Context),
  };
  return [
    route("GET", "/dev/status", null, () => ({
      ready: true,
      database: { ...parts.database, uri: parts.mongoUri },
      internal_key: parts.secrets.internalKey,
      stripe: stripeStatus(stripe),
      urls: { page: `${url}/`, api: `${url}/1/`, landing: `${url}/magic-link`, inbox: `${url}/dev/inbox` },
      app: { name: app.name, clients: app.clients.flatMap(shownClient) },
      clients: SAMPLE_CLIENT_IDS,
      sample_clients: withSampleClients(app).clients.filter(isSample).flatMap(shownClient),
      adapters: {
        beep: { url: `${url}/beep` },
        service_authentication: {
          url: `${url}/service_authentication`,
          client_id: adapterClientId(app, "service_authentication"),
        },
        static_backend: {
          url: `${url}/static_backend`,
          public_key: adapterClientId(app, "static_backend"),
          root_token: parts.secrets.rootToken,
        },
      },
    })),
    route("GET", "/dev/environment", null, () => operatorEnvironment(environment, stripe.mode)),
    ...mailRoutes(mails),
    ...smsRoutes(parts.sns),
    ...captchaRoutes(parts.siteverify),
    ...oauthRoutes(parts.oauth),
    ...breachRoutes(parts.hibp),
    ...webhookRoutes(),
    ...jobRoutes(jobs, open, stackClock(stripe)),
    trialRoute(open.core),
    auditRoute(open),
    // A real account in test mode is controlled at Stripe.
    ...(stripe.mode === "double"
      ? [...stripeRoutes(stripe, open.core.stripeEvents), timelineRoute(open.core, stripe, parts.ses)]
      : []),
  ];
}

/** @throws Error EADDRINUSE if the port is in use */
function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
}

function stopServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** A client that the page can sign in with. */
function shownClient({ id, name, enabled, redirectUris: [redirect_uri], ...client }: Client) {
  const registration = client.registration === "closed" ? "closed" : client.registrationMode;
  return enabled && redirect_uri
    ? [{ id, name, redirect_uri, grants: client.grants.local, registration }]
    : [];
}

/** Describes Stripe for `/dev/status`. The double's key is not secret; a real account's key is never returned. */
function stripeStatus({ mode, url, secretKey, webhookSecret }: StackParts["stripe"]) {
  return {
    mode,
    url: url ?? "https://api.stripe.com",
    secret_key: mode === "double" ? secretKey : null,
    webhook_secret: webhookSecret,
  };
}
