import middy from "@middy/core";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
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
import { type FoundPath, findPath, openClients, readAsked } from "#entry/adapter_routes.ts";
import { type AnswerContext, failure, headerOf, type Result, success, toNestError } from "#entry/answer.ts";
import { CALLER_PARTS } from "#entry/declaration.ts";
import { methodEvent, presented } from "#entry/foreign_request.ts";
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
 * @throws ConfigError if no enabled client lists the adapter, or several do and requests name none
 */
export function serveAdapter(declaration: AdapterDeclaration, open: OpenCore): Handler {
  const core = openParts(open, CALLER_PARTS);
  const clients = openClients(core.oauthClients, declaration);
  const call = openRoutes(declaration, open);
  const { allowsOrigin } = clients;
  return middy(async (event: APIGatewayProxyEventV2, context: Invocation): Promise<Result> => {
    const answer: AnswerContext = {
      ...{ event, requestId: context.awsRequestId, now: core.clock.now(), stage: core.stage },
      oauthClients: { allowsOrigin, allowsCookies: () => false },
    };
    const { method: verb } = event.requestContext.http;
    const found = findPath(declaration, event.rawPath);
    const route = found.routes.find((each) => each.verb === verb);
    const note = (status: number, code: string | null) =>
      core.log.info("adapter", {
        ...{ adapter: declaration.name, route: found.routes[0]?.path ?? null, status, code },
        request_id: context.awsRequestId,
      });
    try {
      if (verb === "OPTIONS" && found.routes.length > 0)
        return success(answer, undefined, { headers: preflight(answer, declaration, found) });
      const client = clients.of(event);
      const result = await call(route ?? refuse(found), {
        event,
        context,
        client,
        placed: found.placed,
        now: answer.now,
      });
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

/** A request for a route. */
interface RouteCall {
  event: APIGatewayProxyEventV2;
  context: Invocation;
  client: OAuthClient;
  placed: FoundPath["placed"];
  now: Date;
}

type CallRoute = (route: AdapterRoute, call: RouteCall) => Promise<ForeignBody>;
type Answered = Readonly<Record<string, unknown>>;

/** Opens the method of each route. */
function openRoutes({ routes }: AdapterDeclaration, open: OpenCore): CallRoute {
  const ownKey = open.part(localKey);
  const methods = new Map(routes.map((route) => [route, openMethod(route.method.declaration, open)]));
  return async (route, { event, context, client, placed, now }) => {
    const { name, version } = route.method.declaration;
    const asked = validate(route.request, Object.assign({}, readAsked(route, event), placed)) as never;
    const authorization = presented(route.credential, headerOf(event, "authorization"), ownKey);
    const perform = methods.get(route) as OpenMethod;
    const call = async (body: object): Promise<Answered> => {
      const calling = methodEvent(event, `/1/${version}/${name}`, body, authorization);
      return (await perform(calling, context, undefined, client.id)) as Answered;
    };
    const body = route.toMethod(asked, client.id);
    const response = await (route.hasPages ? allPages(call, body) : callOrElse(call, body, route, asked));
    return route.toAnswer(response, { asked, client, now });
  };
}

/** Calls a method, and once more if the route has another request for its refusal. */
async function callOrElse(
  call: (body: object) => Promise<Answered>,
  body: object,
  { otherwise }: AdapterRoute,
  asked: never,
): Promise<Answered> {
  try {
    return await call(body);
  } catch (error) {
    const { code } = toNestError(error);
    if (!otherwise?.codes.includes(code)) throw error;
    return call(otherwise.toMethod(asked));
  }
}

/** Lists all pages. The deadline of the first call is that of all, so a list that is too long fails. */
async function allPages(call: (body: object) => Promise<Answered>, body: object): Promise<Answered> {
  const items: unknown[] = [];
  let page = await call(body);
  items.push(...(page.items as unknown[]));
  while (page.next_cursor) {
    page = await call({ ...body, cursor: page.next_cursor });
    items.push(...(page.items as unknown[]));
  }
  return { items };
}

/** @throws NestError not_found for an unknown path, method_not_supported for an unknown verb */
function refuse({ routes }: FoundPath): never {
  if (routes.length === 0) throw new NestError("not_found");
  throw new NestError("method_not_supported");
}

const verbsOf = ({ routes }: FoundPath) => [...new Set(routes.map(({ verb }) => verb))];

/** CORS headers for a page of the adapter's client: the verbs and headers that clients of the other API send. */
function preflight(
  { event, oauthClients }: AnswerContext,
  { headers }: AdapterDeclaration,
  found: FoundPath,
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
