import type { APIGatewayProxyEventV2 } from "aws-lambda";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import type { OpenCore } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { issuer, localKey } from "#core/parts.ts";
import type {
  AdapterDeclaration,
  AdapterRoute,
  Answered,
  BegunVisit,
  ForeignBody,
} from "#entry/adapter_declaration.ts";
import { pageOfClient, wantsJson } from "#entry/adapter_pages.ts";
import { readAsked } from "#entry/adapter_routes.ts";
import {
  beginVisit,
  endVisit,
  expiredVisitCookie,
  requireBrowserVisit,
  visitCookie,
} from "#entry/adapter_visit.ts";
import { headerOf, toNestError } from "#entry/answer.ts";
import type { Cookies } from "#entry/cookies.ts";
import { methodEvent, presented } from "#entry/foreign_request.ts";
import type { Invocation } from "#entry/lambda.ts";
import { type OpenMethod, openMethod } from "#entry/rpc.ts";
import { validate } from "#entry/validation.ts";

/** A request for a route. */
export interface RouteCall {
  event: APIGatewayProxyEventV2;
  context: Invocation;
  client: OAuthClient;
  /** Those of the adapter. */
  cookies: Cookies;
  now: Date;
}

export type CallRoute = (route: AdapterRoute, call: RouteCall) => Promise<ForeignBody>;
type CallMethod = (body: object) => Promise<Answered>;

/** Opens the method of each route. */
export function openRoutes(declaration: AdapterDeclaration, open: OpenCore): CallRoute {
  const { name: adapter, routes } = declaration;
  const ownKey = open.part(localKey);
  const baseUrl = `${open.part(issuer)}/${adapter}`;
  const methods = new Map(routes.map((route) => [route, openMethod(route.method.declaration, open)]));
  return async (route, { event, context, client, cookies, now }) => {
    const { name, version } = route.method.declaration;
    const asked = validate(route.request, readAsked(adapter, route, event)) as never;
    const sent = headerOf(event, "authorization") ?? inCookie(route, client, cookies);
    const authorization = presented(route.credential, sent, ownKey);
    const perform = methods.get(route) as OpenMethod;
    const call: CallMethod = async (body) => {
      const calling = methodEvent(event, `/1/${version}/${name}`, body, authorization);
      const answered = await perform(calling, context, cookies, client.id).catch((error: unknown) => {
        throw authorization === null && route.credential === "caller" ? withoutCredential(error) : error;
      });
      return (answered ?? {}) as Answered;
    };
    const visit = visitOf({ name: adapter, clientId: client.id }, route, event, asked);
    const answerRoute = async (): Promise<ForeignBody> => {
      const body = route.toMethod(asked, client.id, { client, baseUrl, visit });
      const response = await (route.hasPages ? allPages(call, body) : callOrElse(call, body, route, asked));
      return route.toAnswer(response, { asked, client, now, wantsJson: wantsJson(event) });
    };
    if (route.visit === "end" && visit)
      return endVisit(answerRoute, { adapter, visit, asked, page: pageOfClient(client, baseUrl) ?? baseUrl });
    const answer = await answerRoute();
    if (route.visit === "begin" && visit) return { ...answer, setCookies: [visitCookie(adapter, visit)] };
    return route.visit === "link" ? { ...answer, setCookies: [expiredVisitCookie(adapter)] } : answer;
  };
}

/** The visit of a request at an OAuth provider. @throws NestError verification_not_found */
function visitOf(
  { name, clientId }: { name: string; clientId: string },
  { visit }: AdapterRoute,
  event: APIGatewayProxyEventV2,
  { intent, state }: { intent?: string; state?: string },
): BegunVisit | null {
  switch (visit) {
    case "begin":
      return beginVisit({ intent: intent === "link" ? "link" : "sign_in", clientId });
    case "end":
      return requireBrowserVisit(name, event, { state });
    case "link":
      return requireBrowserVisit(name, event, { intent: "link" });
    default:
      return null;
  }
}

/** A missing credential is 401 in REST, as on a route that needs a session (RFC 9110, section 15.5.2). Methods answer 403. */
const withoutCredential = (error: unknown) =>
  toNestError(error).code === "access_denied" ? new NestError("unauthorized") : error;

/** Cookies authenticate only where a session does: a page sends them with every request. */
function inCookie({ credential }: AdapterRoute, client: OAuthClient, cookies: Cookies): string | null {
  const token = credential === "session" || credential === "caller" ? cookies.accessTokenOf(client) : null;
  return token === null ? null : `bearer ${token}`;
}

/** Calls a method, and once more if the route has another request for its refusal. */
async function callOrElse(
  call: CallMethod,
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
async function allPages(call: CallMethod, body: object): Promise<Answered> {
  const items: unknown[] = [];
  let page = await call(body);
  items.push(...(page.items as unknown[]));
  while (page.next_cursor) {
    page = await call({ ...body, cursor: page.next_cursor });
    items.push(...(page.items as unknown[]));
  }
  return { items };
}
