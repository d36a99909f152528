import type { Context } from "aws-lambda";
import { handler as sesEvents } from "#callbacks/ses_events.ts";
import type { Environment } from "#core/config.ts";
import { openCore } from "#core/core.ts";
import { serveEvent } from "#entry/event.ts";
import type { StripeDouble } from "#stripe_double/stripe_double.ts";
import { type Mails, mailRoutes } from "#tools/local/dev/mail_routes.ts";
import { route } from "#tools/local/dev/route.ts";
import { createDevRoutes } from "#tools/local/dev/routes.ts";
import { stripeRoutes } from "#tools/local/dev/stripe_routes.ts";
import { createHttpServer } from "#tools/local/http_server.ts";
import type { Invoker } from "#tools/local/reloading_gateway.ts";
import { type LocalSecrets, localEnvironment, operatorEnvironment } from "#tools/local/secrets.ts";
import type { SesDouble } from "#tools/local/ses_double.ts";
import type { TestModeStripe } from "#tools/local/stripe_account/test_mode.ts";
import { freePort } from "#tools/machine/child_process.ts";

export interface StackParts {
  /** 0 picks a free port. */
  port: number;
  mongoUri: string;
  ses: SesDouble;
  stripe: StripeDouble | TestModeStripe;
  secrets: LocalSecrets;
  database: { engine: string; version: string };
  /** Opens the Lambda functions with the environment that a deployment gives them. */
  open: (environment: Environment) => Promise<Invoker>;
  /** Receives each log line. */
  write?: (line: string) => void;
}

export interface LocalApi {
  url: string;
  close(): Promise<void>;
}

/**
 * Serves the API, the local page and the routes under `/dev` on one port of loopback.
 * @throws Error EADDRINUSE if the port is taken
 */
export async function startLocalApi(parts: StackParts): Promise<LocalApi> {
  const port = parts.port === 0 ? await freePort() : parts.port;
  const url = `http://localhost:${port}`;
  const environment = localEnvironment(parts.secrets, {
    issuer: url,
    mongoUri: parts.mongoUri,
    sesUrl: parts.ses.url,
    stripe: parts.stripe,
  });
  const gateway = await parts.open(environment);
  // EventBridge, not API Gateway, invokes the function for SES events.
  const open = openCore(environment, parts.write && { write: parts.write });
  const { core } = open;
  const { stripe } = parts;
  const mails: Mails = {
    ses: parts.ses,
    sendEvent: (event) =>
      serveEvent(sesEvents.declaration, open)(event, { awsRequestId: event.id } as Context),
  };
  const dev = createDevRoutes([
    route("GET", "/dev/status", null, () => ({
      ready: true,
      database: { ...parts.database, uri: parts.mongoUri },
      internal_key: parts.secrets.internalKey,
      stripe: stripeStatus(stripe),
      urls: { page: `${url}/`, api: `${url}/1/`, landing: `${url}/magic-link`, inbox: `${url}/dev/inbox` },
    })),
    route("GET", "/dev/environment", null, () => operatorEnvironment(environment, stripe.mode)),
    ...mailRoutes(mails),
    // A real account in test mode is controlled at Stripe.
    ...(stripe.mode === "double" ? stripeRoutes(stripe, core.stripeEvents) : []),
  ]);
  const server = createHttpServer(gateway, dev);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", resolve);
    });
  } catch (error) {
    await gateway.close();
    await open.mongo.client.close();
    throw error;
  }
  stripe.deliverTo(`${url}/1/webhook/stripe`);
  if (stripe.mode === "double") stripe.portalReturnsTo(`${url}/`);
  return {
    url,
    async close() {
      stripe.deliverTo(null);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
      await gateway.close();
      await open.mongo.client.close();
    },
  };
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
