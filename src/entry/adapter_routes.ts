import type { APIGatewayProxyEventV2 } from "aws-lambda";
import type { OAuthClient, OAuthClients } from "#core/clients/oauth_clients.ts";
import { ConfigError } from "#core/config.ts";
import { NestError } from "#core/errors.ts";
import type { AdapterDeclaration, AdapterRoute } from "#entry/adapter_declaration.ts";
import { headerOf } from "#entry/answer.ts";
import { readJsonOrForm } from "#entry/foreign_request.ts";

/** A path of an adapter: the routes that have it, and the values of its placeholders. */
export interface FoundPath {
  routes: readonly AdapterRoute[];
  placed: Readonly<Record<string, string>>;
}

/** Finds the routes of a path, one for each HTTP method. */
export function findPath({ name, routes }: AdapterDeclaration, rawPath: string): FoundPath {
  const placesOf = ({ path }: AdapterRoute) => placeholdersIn(`/${name}${path}`, rawPath);
  const found = routes.filter((route) => placesOf(route) !== null);
  const [first] = found;
  return { routes: found, placed: (first && placesOf(first)) ?? {} };
}

/** The values of the placeholders, as they were sent; null if the path is another. */
function placeholdersIn(pattern: string, path: string): Record<string, string> | null {
  const expected = pattern.split("/");
  const parts = path.split("/");
  const fits = expected.every((name, index) =>
    isPlaceholder(name) ? Boolean(parts[index]) : name === parts[index],
  );
  if (!fits || parts.length !== expected.length) return null;
  const placed = expected.flatMap((name, index) =>
    isPlaceholder(name) ? [[name.slice(1, -1), parts[index] ?? ""]] : [],
  );
  return Object.fromEntries(placed);
}

const isPlaceholder = (part: string) => part.startsWith("{");

/**
 * Reads what a request asks of a route. GET and DELETE have no body, whatever content type they name.
 * @throws NestError body_too_large, body_missing, malformed_json
 */
export function readAsked({ verb }: AdapterRoute, event: APIGatewayProxyEventV2): unknown {
  if (verb === "GET" || verb === "DELETE")
    return Object.fromEntries(new URLSearchParams(event.rawQueryString ?? ""));
  return readJsonOrForm(event);
}

/** The clients of an adapter. */
export interface AdapterClients {
  /** The client of a request. @throws NestError client_not_found */
  of(event: APIGatewayProxyEventV2): OAuthClient;
  /** Whether pages of an origin may call the adapter. */
  allowsOrigin(origin: string): boolean;
}

/** @throws ConfigError if no enabled client lists the adapter, or several do and requests name none */
export function openClients(
  oauthClients: OAuthClients,
  { name, clientHeader }: AdapterDeclaration,
): AdapterClients {
  const clients = oauthClients.ofAdapter(name);
  const [first, ...others] = clients;
  const field = ["clients[].adapters"];
  if (!first) throw new ConfigError(field, `an enabled client must list ${name}`);
  if (clientHeader === undefined && others.length > 0)
    throw new ConfigError(field, `exactly one enabled client must list ${name}`);
  return {
    of(event) {
      if (clientHeader === undefined) return first;
      const named = clients.find(({ id }) => id === headerOf(event, clientHeader));
      if (!named) throw new NestError("client_not_found");
      return named;
    },
    // A preflight names no client.
    allowsOrigin: (origin) => clients.some(({ origins }) => origins.includes(origin)),
  };
}
