import middy from "@middy/core";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import type { OAuthClient, OAuthClients } from "#core/clients/oauth_clients.ts";
import { ConfigError } from "#core/config.ts";
import { coreVariables, type OpenCore, openCore } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { readParameters } from "#core/parameters.ts";
import { localKey } from "#core/parts.ts";
import type {
  AdapterDeclaration,
  AdapterRoute,
  ForeignBody,
  ForeignError,
} from "#entry/adapter_declaration.ts";
import { type AnswerContext, failure, headerOf, type Result, success, toNestError } from "#entry/answer.ts";
import { CALLER_PARTS } from "#entry/declaration.ts";
import { methodEvent, readJsonOrForm } from "#entry/foreign_request.ts";
import { type Deployed, type Handler, httpLambda, type Invocation, needsOf } from "#entry/lambda.ts";
import { openParts } from "#entry/open_parts.ts";
import { type OpenMethod, openMethod } from "#entry/rpc.ts";
import { validate } from "#entry/validation.ts";

export type AdapterHandler = Deployed<Handler> & { declaration: AdapterDeclaration };

/** Creates the Lambda handler of an adapter from its table. Its function has the parts of every method that it calls. */
export function adapter(declaration: AdapterDeclaration): AdapterHandler {
  const methods = declaration.routes.map(({ method }) => method.declaration.parts ?? {});
  const handler = httpLambda(
    needsOf(coreVariables, CALLER_PARTS, { localKey }, ...methods),
    (environment) => serveAdapter(declaration, openCore(environment)),
    readParameters,
  );
  return Object.assign(handler, { declaration });
}

/**
 * Creates a handler that serves another API with an opened core. Each route calls its declared method, so that validation,
 * access policy, limits and audit are the method's own.
 * @throws ConfigError unless exactly one enabled client lists the adapter
 */
export function serveAdapter(declaration: AdapterDeclaration, open: OpenCore): Handler {
  const core = openParts(open, CALLER_PARTS);
  const client = onlyClientOf(core.oauthClients, declaration.name);
  const call = openRoutes(declaration, open, client.id);
  const allowsOrigin = (origin: string) => client.origins.includes(origin);
  return middy(async (event: APIGatewayProxyEventV2, context: Invocation): Promise<Result> => {
    const answer: AnswerContext = {
      ...{ event, requestId: context.awsRequestId, now: core.clock.now(), stage: core.stage },
      oauthClients: { allowsOrigin, allowsCookies: () => false },
    };
    const { method: verb } = event.requestContext.http;
    const found = declaration.routes.filter(({ path }) => event.rawPath === `/${declaration.name}${path}`);
    const route = found.find((each) => each.verb === verb);
    const note = (status: number, code: string | null) =>
      core.log.info("adapter", {
        ...{ adapter: declaration.name, route: found[0]?.path ?? null, status, code },
        request_id: context.awsRequestId,
      });
    try {
      if (verb === "OPTIONS" && found.length > 0)
        return success(answer, undefined, { headers: preflight(answer, declaration, found) });
      const result = await call(route ?? refuse(found), event, context);
      note(200, null);
      return withBody(success(answer, null), result);
    } catch (error) {
      const known = toNestError(error);
      const foreign = foreignError(declaration, route, known);
      note(foreign.status, known.code);
      const isVerbWrong = known.code === "method_not_supported";
      const allow = isVerbWrong ? { allow: verbsOf(found).join(", ") } : undefined;
      const failed = { ...failure(answer, known, allow), statusCode: foreign.status };
      return withBody(failed, declaration.toError(foreign));
    }
  }) as unknown as Handler;
}

function onlyClientOf(oauthClients: OAuthClients, adapterName: string): OAuthClient {
  const [client, ...others] = oauthClients.ofAdapter(adapterName);
  if (client && others.length === 0) return client;
  throw new ConfigError(["clients[].adapters"], `exactly one enabled client must list ${adapterName}`);
}

type CallRoute = (
  route: AdapterRoute,
  event: APIGatewayProxyEventV2,
  context: Invocation,
) => Promise<ForeignBody>;

/** Opens the method of each route. */
function openRoutes({ routes }: AdapterDeclaration, open: OpenCore, clientId: string): CallRoute {
  const ownKey = open.part(localKey);
  const methods = new Map(routes.map((route) => [route, openMethod(route.method.declaration, open)]));
  return async (route, event, context) => {
    const { name, version } = route.method.declaration;
    const body = route.toMethod(validate(route.request, readJsonOrForm(event)) as never, clientId);
    const sent = route.credential === "none" ? null : headerOf(event, "authorization");
    const isLocal = route.credential === "local_key" && sent === null && ownKey !== null;
    const authorization = isLocal ? `internal ${ownKey}` : sent;
    const perform = methods.get(route) as OpenMethod;
    const calling = methodEvent(event, `/1/${version}/${name}`, body, authorization);
    return route.toAnswer((await perform(calling, context)) as Readonly<Record<string, unknown>>);
  };
}

/** @throws NestError not_found for an unknown path, method_not_supported for an unknown verb */
function refuse(found: readonly AdapterRoute[]): never {
  if (found.length === 0) throw new NestError("not_found");
  throw new NestError("method_not_supported");
}

const verbsOf = (routes: readonly AdapterRoute[]) => [...new Set(routes.map(({ verb }) => verb))];

/** CORS headers for a page of the adapter's client: the verbs and headers that clients of the other API send. */
function preflight(
  { event, oauthClients }: AnswerContext,
  { headers }: AdapterDeclaration,
  found: readonly AdapterRoute[],
): Record<string, string> {
  const origin = headerOf(event, "origin");
  if (origin === null || !oauthClients.allowsOrigin(origin)) return {};
  return {
    "access-control-allow-methods": verbsOf(found).join(", "),
    "access-control-allow-headers": headers.join(", "),
    "access-control-max-age": "86400",
  };
}

function foreignError(
  { errors, otherError }: AdapterDeclaration,
  route: AdapterRoute | undefined,
  { code, status }: NestError,
): ForeignError {
  const [foreignStatus = status, text = otherError] = route?.errors[code] ?? errors[code] ?? [];
  return { status: foreignStatus, text };
}

const withBody = (result: Result, { contentType, body }: ForeignBody): Result => ({
  ...result,
  headers: { ...result.headers, "content-type": contentType },
  body,
});
