import { randomUUID } from "node:crypto";
import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import { handler as oauthCallback } from "#callbacks/oauth_callback.ts";
import { handler as oauthRevocation } from "#callbacks/oauth_revocation.ts";
import { handler as sesEvents } from "#callbacks/ses_events.ts";
import { handler as stripeWebhook } from "#callbacks/stripe_webhook.ts";
import type { App } from "#core/app/app.ts";
import { systemClock } from "#core/clock.ts";
import { type Environment, readConfig } from "#core/config.ts";
import { type CoreOptions, type OpenCore, openCore } from "#core/core.ts";
import { serveAdapter } from "#entry/adapter.ts";
import type { Result } from "#entry/answer.ts";
import { JWKS_ROUTES, serveJwks } from "#entry/jwks.ts";
import type { Handler } from "#entry/lambda.ts";
import { serveOAuthEndpoint } from "#entry/oauth_endpoint.ts";
import { serveRedirect } from "#entry/redirect.ts";
import { serveRpc } from "#entry/rpc.ts";
import { serveUnmatched } from "#entry/unmatched.ts";
import { serveWebhook } from "#entry/webhook.ts";
import { loadMethods } from "#routes.ts";
import { loadAdapters } from "#tools/stage/adapters.ts";
import { loadJobs } from "#tools/stage/jobs.ts";

/** An HTTP request, before it becomes an event of API Gateway. */
export interface IncomingCall {
  method: string;
  path: string;
  query?: string;
  headers: Record<string, string>;
  body?: Buffer | undefined;
  ip: string;
}

export interface Gateway extends OpenCore {
  invoke(incoming: IncomingCall): Promise<Result>;
  close(): Promise<void>;
}

export interface GatewayOptions extends CoreOptions {
  /** Replaces the opened core that the functions get. Tests use it to count or fail calls to services. */
  guard?: (open: OpenCore) => OpenCore;
}

const loadModules = () => Promise.all([loadMethods(), loadJobs(), loadAdapters()]);
/** All gateways of a process share the modules. To resolve every file again takes longer than to open a gateway. */
let modules: ReturnType<typeof loadModules> | undefined;

/**
 * Opens the Lambda handlers behind API Gateway's routing, with events of payload format 2.0. A request with an exact route
 * goes to that route's function, every other request to `$default`.
 * @throws Error that lists every missing or invalid environment variable
 */
export async function openGateway(environment: Environment, options: GatewayOptions = {}): Promise<Gateway> {
  const { guard = (unguarded) => unguarded } = options;
  modules ??= loadModules();
  const [methods, jobs, adapters] = await modules;
  // Read the variables of all functions together, so that one error lists all that are missing.
  const listed = [...methods, ...jobs, ...adapters].map(({ handler }) => handler);
  const functions = [stripeWebhook, sesEvents, oauthRevocation, oauthCallback, ...listed];
  readConfig(Object.assign({}, ...functions.map(({ needs }) => needs.variables)), environment);
  const open = guard(openCore(environment, options));
  const { clock = systemClock, write = (line: string) => process.stdout.write(`${line}\n`) } = options;
  const jwks = serveJwks(environment, clock, open.core.app);
  const routes = new Map<string, Handler>(JWKS_ROUTES.map((route) => [route, jwks]));
  for (const { handler, paths } of methods) {
    const served = serveRpc(handler.declaration, open);
    for (const path of paths) routes.set(`POST ${path}`, served);
  }
  routes.set(oauthRevocation.declaration.route, serveOAuthEndpoint(oauthRevocation.declaration, open));
  routes.set("POST /1/webhook/stripe", serveWebhook(stripeWebhook.declaration, open));
  const served = adapters.filter(({ handler }) => hasClient(open.core.app, handler.declaration.name));
  const mounted = new Map(
    served.map(({ handler: { declaration } }) => [declaration.name, serveAdapter(declaration, open)]),
  );
  const redirect = serveRedirect(oauthCallback.declaration, open);
  const unmatched = serveUnmatched(environment, clock, write, open.core.app);
  return {
    ...open,
    invoke(incoming) {
      const exact = `${incoming.method} ${incoming.path}`;
      const [, folder = "", ...rest] = incoming.path.split("/");
      const adapter = rest.length > 0 ? mounted.get(folder) : undefined;
      if (["GET", "POST"].includes(incoming.method) && OAUTH_CALLBACK.test(incoming.path)) {
        const event = toEvent(incoming, `${incoming.method} ${oauthCallback.declaration.path}`);
        return redirect(event, toContext());
      }
      const matched = routes.has(exact) ? exact : adapter ? `ANY /${folder}/{proxy+}` : "$default";
      const handler = routes.get(exact) ?? adapter ?? unmatched;
      return handler(toEvent(incoming, matched), toContext());
    },
    close: () => open.mongo.client.close(),
  };
}

/** API Gateway's `{provider}` matches one segment. */
const OAUTH_CALLBACK = /^\/1\/oauth\/[^/]+\/callback$/;

/** Without a client that lists it, an adapter is off, as on a stage that does not list it. */
const hasClient = ({ clients }: App, adapter: string) =>
  clients.some(({ enabled, adapters }) => enabled && (adapters as readonly string[]).includes(adapter));

/** Builds API Gateway's event in payload format 2.0. A body that is not text is base64. */
export function toEvent(
  { method, path, query = "", headers: { cookie, ...headers }, body, ip }: IncomingCall,
  routeKey: string,
): APIGatewayProxyEventV2 {
  const isText = /^(application\/json|text\/|$)/.test(headers["content-type"] ?? "") && isUtf8(body);
  return {
    version: "2.0",
    routeKey,
    rawPath: path,
    rawQueryString: query,
    headers,
    // Not in `headers` as well.
    ...(cookie === undefined ? {} : { cookies: cookie.split(/; */).filter((pair) => pair !== "") }),
    requestContext: {
      accountId: "000000000000",
      apiId: "local",
      domainName: headers.host ?? "localhost",
      domainPrefix: "localhost",
      http: { method, path, protocol: "HTTP/1.1", sourceIp: ip, userAgent: headers["user-agent"] ?? "" },
      requestId: randomUUID(),
      routeKey,
      stage: "$default",
      time: "",
      timeEpoch: Date.now(),
    },
    ...(body === undefined || body.length === 0 ? {} : { body: body.toString(isText ? "utf8" : "base64") }),
    isBase64Encoded: body !== undefined && body.length > 0 && !isText,
  };
}

function isUtf8(body: Buffer | undefined): boolean {
  return body === undefined || Buffer.from(body.toString("utf8"), "utf8").equals(body);
}

function toContext(): Context {
  return { awsRequestId: randomUUID(), functionName: "local" } as Context;
}
