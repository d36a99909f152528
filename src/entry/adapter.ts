import middy from "@middy/core";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { coreVariables, type OpenCore, openCore } from "#core/core.ts";
import type { NestError } from "#core/errors.ts";
import { readParameters } from "#core/parameters.ts";
import { localKey } from "#core/parts.ts";
import { openRoutes } from "#entry/adapter_call.ts";
import type {
  AdapterDeclaration,
  AdapterRoute,
  ForeignBody,
  ForeignError,
} from "#entry/adapter_declaration.ts";
import { askingPage, donePage, errorPage, pageOfClient, wantsPage } from "#entry/adapter_pages.ts";
import { chooseRoute, type FoundPath, findPath, openClients } from "#entry/adapter_routes.ts";
import { clientOfVisit } from "#entry/adapter_visit.ts";
import { type AnswerContext, failure, headerOf, type Result, success, toNestError } from "#entry/answer.ts";
import { adapterCookies } from "#entry/cookie_scheme.ts";
import { Cookies } from "#entry/cookies.ts";
import { CALLER_PARTS } from "#entry/declaration.ts";
import { type Deployed, type Handler, httpLambda, type Invocation, needsOf } from "#entry/lambda.ts";
import { openParts } from "#entry/open_parts.ts";

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
  const cookieForm = adapterCookies(declaration.name);
  const baseUrl = `${core.issuer}/${declaration.name}`;
  return middy(async (event: APIGatewayProxyEventV2, context: Invocation): Promise<Result> => {
    const now = core.clock.now();
    const answer: AnswerContext = {
      ...{ event, requestId: context.awsRequestId, now, stage: core.stage },
      ...{ oauthClients: clients, readsCookies: declaration.hasCookies === true },
    };
    const found = findPath(declaration, event.rawPath);
    const note = (status: number, code: string | null) =>
      core.log.info("adapter", {
        ...{ adapter: declaration.name, route: found.routes[0]?.path ?? null, status, code },
        request_id: context.awsRequestId,
      });
    let route: AdapterRoute | undefined;
    let page: string | null = null;
    try {
      if (event.requestContext.http.method === "OPTIONS" && found.routes.length > 0)
        return success(answer, undefined, { headers: preflight(answer, declaration, found) });
      const endsVisit = found.routes.some(({ visit }) => visit === "end");
      const client = clients.of(event, endsVisit ? clientOfVisit(declaration.name, event) : null);
      page = pageOfClient(client, baseUrl);
      route = chooseRoute(found, event);
      const isPageWanted = wantsPage(route, event);
      if (isPageWanted && route.verb === "GET" && route.page)
        return askingPage(success(answer, null), route.page, client);
      // Where a visit ends, its state ties the browser to the request, which comes from another site.
      const form = route.visit === "end" ? { ...cookieForm, isPageOf: () => true } : cookieForm;
      const cookies = new Cookies(event, declaration.hasCookies === true, form);
      const result = await call(route, { event, context, client, cookies, now });
      note(200, null);
      const done = success(answer, null, { cookies: [...cookies.changes, ...(result.setCookies ?? [])] });
      if (result.location !== undefined) return goTo(done, result.location);
      return isPageWanted && route.page
        ? donePage(done, route.page, { client, next: page })
        : withBody(done, result);
    } catch (error) {
      const known = toNestError(error);
      const foreign = foreignError(declaration, route, known);
      note(foreign.status, known.code);
      const allow = known.code === "method_not_supported" ? { allow: verbsOf(found).join(", ") } : undefined;
      const failed = { ...failure(answer, known, allow), statusCode: foreign.status };
      if (route && wantsPage(route, event)) return errorPage(failed, foreign, page);
      return withBody(failed, declaration.toError(foreign));
    }
  }) as unknown as Handler;
}

/** A browser that comes from a provider has its code in its URL, which the next page must not learn. */
const goTo = ({ headers, cookies = [] }: Result, location: string): Result => ({
  statusCode: 302,
  headers: { ...headers, location, "referrer-policy": "no-referrer" },
  cookies,
});

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
  { code, status, meta, reasons }: NestError,
): ForeignError {
  const named = route?.errors[code] ?? errors[code] ?? otherError;
  const [foreignStatus, text] = typeof named === "string" ? [status, named] : named;
  return { status: foreignStatus, text, error: { code, meta, reasons } };
}

const withBody = (result: Result, { contentType, body }: ForeignBody): Result => ({
  ...result,
  headers: { ...result.headers, "content-type": contentType },
  body,
});
