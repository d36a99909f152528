import type { APIGatewayProxyEventV2 } from "aws-lambda";
import type { OAuthClient, OAuthClients } from "#core/clients/oauth_clients.ts";
import { ConfigError } from "#core/config.ts";
import { NestError } from "#core/errors.ts";
import type { AdapterDeclaration, AdapterRoute } from "#entry/adapter_declaration.ts";
import { headerOf } from "#entry/answer.ts";
import { readJsonOrForm } from "#entry/foreign_request.ts";

/** The routes of an adapter that have a path. */
export type FoundPath = Pick<AdapterDeclaration, "name" | "routes">;

/** Finds the routes of a path, for every HTTP method. */
export function findPath({ name, routes }: AdapterDeclaration, rawPath: string): FoundPath {
  return { name, routes: routes.filter((route) => placesIn(name, route, rawPath) !== null) };
}

/** The values of a route's placeholders, as they were sent; null if the path is another. */
function placesIn(name: string, { path }: AdapterRoute, rawPath: string): Record<string, string> | null {
  const expected = `/${name}${path}`.split("/");
  const parts = rawPath.split("/");
  const fits = expected.every((part, index) =>
    isPlaceholder(part) ? Boolean(parts[index]) : part === parts[index],
  );
  if (!fits || parts.length !== expected.length) return null;
  const placed = expected.flatMap((part, index) =>
    isPlaceholder(part) ? [[part.slice(1, -1), parts[index] ?? ""]] : [],
  );
  return Object.fromEntries(placed);
}

const isPlaceholder = (part: string) => part.startsWith("{");

/**
 * Chooses the route of a request.
 * @throws NestError not_found for an unknown path, method_not_supported for an unknown HTTP method
 */
export function chooseRoute({ routes }: FoundPath, event: APIGatewayProxyEventV2): AdapterRoute {
  if (routes.length === 0) throw new NestError("not_found");
  const [first, ...others] = routes.filter(({ verb }) => verb === event.requestContext.http.method);
  if (!first) throw new NestError("method_not_supported");
  if (others.length === 0) return first;
  const fields = readableFields(first, event);
  return [first, ...others].find(({ when }) => when === undefined || fields.has(when)) ?? first;
}

/** The names of the fields that a request has. The chosen route reports a body that can't be read. */
function readableFields(route: AdapterRoute, event: APIGatewayProxyEventV2): Set<string> {
  try {
    return new Set(Object.keys(Object(readFields(route, event))));
  } catch {
    return new Set();
  }
}

/**
 * Reads what a request asks of a route, in its path, and in its query or body.
 * @throws NestError body_too_large, body_missing, malformed_json
 */
export function readAsked(name: string, route: AdapterRoute, event: APIGatewayProxyEventV2): object {
  return Object.assign({}, readFields(route, event), placesIn(name, route, event.rawPath));
}

/** GET and DELETE have no body, whatever content type they name. */
function readFields({ verb, isBodyOptional }: AdapterRoute, event: APIGatewayProxyEventV2): unknown {
  if (verb === "GET" || verb === "DELETE")
    return Object.fromEntries(new URLSearchParams(event.rawQueryString ?? ""));
  if (isBodyOptional && !event.body) return {};
  return readJsonOrForm(event);
}

/** The clients of an adapter. */
export interface AdapterClients {
  /**
   * The client of a request.
   * @param begunBy the client of the visit that the request ends, which counts if the request names no client; null: it ends no visit
   * @throws NestError client_not_found
   */
  of(event: APIGatewayProxyEventV2, begunBy: string | null): OAuthClient;
  /** Whether pages of an origin may call the adapter. */
  allowsOrigin(origin: string): boolean;
  /** Whether pages of an origin may send cookies. */
  allowsCookies(origin: string): boolean;
}

/** @throws ConfigError if no enabled client lists the adapter, or several do and requests name none */
export function openClients(
  oauthClients: OAuthClients,
  { name, clientHeader, isClientOptional = false, hasCookies = false }: AdapterDeclaration,
): AdapterClients {
  const clients = oauthClients.ofAdapter(name);
  const [first, ...others] = clients;
  const field = ["clients[].adapters"];
  if (!first) throw new ConfigError(field, `an enabled client must list ${name}`);
  if (clientHeader === undefined && others.length > 0)
    throw new ConfigError(field, `exactly one enabled client must list ${name}`);
  return {
    of(event, begunBy) {
      if (clientHeader === undefined) return first;
      const named = headerOf(event, clientHeader) ?? (isClientOptional ? inQuery(event) : null) ?? begunBy;
      if (named === null && isClientOptional && others.length === 0) return first;
      const found = clients.find(({ id }) => id === named);
      if (!found) throw new NestError("client_not_found");
      return found;
    },
    // A preflight names no client.
    allowsOrigin: (origin) => clients.some(({ origins }) => origins.includes(origin)),
    allowsCookies: (origin) =>
      hasCookies && clients.some(({ cookies, origins }) => cookies.enabled && origins.includes(origin)),
  };
}

const inQuery = ({ rawQueryString = "" }: APIGatewayProxyEventV2) =>
  new URLSearchParams(rawQueryString).get("client_id");
