import type { output, ZodMiniType } from "zod/mini";
import type { OptionalGrant } from "#core/app/app.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import type { ErrorCode } from "#core/errors.ts";
import type { RpcHandler } from "#entry/rpc.ts";

/** A body in the form of another API. */
export interface ForeignBody {
  contentType: string;
  body: string;
}

/** An error as another API reports it. */
export interface ForeignError {
  status: number;
  /** One sentence. */
  text: string;
}

/** How errors of methods are reported, by their code. */
export type ForeignErrors = Readonly<Partial<Record<ErrorCode, readonly [status: number, text: string]>>>;

/**
 * The credential with which a route calls its method. `none`: none, also if the request has one, since clients send credentials of
 * their own to public routes. `session`: the access token of the request, which must be one of the client's. `local_key`: that of
 * the request; if it has none, the internal key of the local stack, which no deployment has. `bearer_key`: the bearer of the request is
 * an internal key. `internal_key`: an internal key in Nest's own scheme; a bearer is ignored as with `none`.
 */
export type RouteCredential = "none" | "session" | "local_key" | "bearer_key" | "internal_key";

/** A request of another API, for the translation of the response of the method. */
export interface ForeignCall<Asked = never> {
  /** What the route read. */
  asked: Asked;
  client: OAuthClient;
  /** When the request arrived. */
  now: Date;
}

/** A route of another API, and the method that serves it. */
export interface AdapterRoute<Request extends ZodMiniType = ZodMiniType> {
  verb: "GET" | "POST" | "PUT" | "DELETE";
  /** After `/<adapter>`, such as `/init` or `/users/{id}`. A placeholder becomes a field of the request. */
  path: string;
  /** One sentence for the page of the adapter. */
  summary: string;
  method: RpcHandler;
  credential: RouteCredential;
  /**
   * The fields that the route reads; others are ignored, as in the other API. GET and DELETE have them in the query, other
   * verbs in the body. Programs name a content type also without a body.
   */
  request: Request;
  /** What each field is, for the page of the adapter. */
  fields: Readonly<Record<string, string>>;
  /** Translates a request to that of the method. @param clientId the client that lists the adapter */
  toMethod(asked: output<Request>, clientId: string): object;
  /**
   * Errors of the method after which it is called once more, with another request: what the other API does at once is an option of
   * the method that it may refuse. It must refuse before it writes anything.
   */
  otherwise?: {
    codes: readonly ErrorCode[];
    toMethod(asked: output<Request>): object;
  };
  /** The method lists pages (`items`, `next_cursor`), and the answer has the items of all. */
  hasPages?: boolean;
  /** Translates the response of the method. */
  toAnswer(response: Readonly<Record<string, unknown>>, call: ForeignCall<output<Request>>): ForeignBody;
  /** What a response contains, for the page of the adapter. */
  answer: string;
  errors: ForeignErrors;
}

/** Settings of a client, by their names in the app file. */
export type ClientSettings = Readonly<Partial<Pick<OAuthClient, "registrationMode" | "linkQuery">>>;

/** Another API, as a table of routes onto methods. It holds no decision of its own. */
export interface AdapterDeclaration {
  /** The first part of its paths, and its name in stage files and in `adapters` of a client. */
  name: string;
  /** One sentence for the list of functions. */
  summary: string;
  /**
   * The header in which a program names its client, in lower case. Any number of clients can list the adapter then. Absent: the only
   * client that lists it.
   */
  clientHeader?: string;
  /** Grants that the client of the adapter must list. */
  grants: readonly OptionalGrant[];
  /** Settings that the client of the adapter must have, since the other API knows no other. */
  settings?: ClientSettings;
  routes: readonly AdapterRoute[];
  /** The headers that pages of the other API's clients send, for CORS. */
  headers: readonly string[];
  /** Errors of every route. A code that neither the route nor the adapter lists keeps its status, with `otherError`. */
  errors: ForeignErrors;
  otherError: string;
  toError(error: ForeignError): ForeignBody;
}

/** Types a route of an adapter by the schema of its request. */
export const adapterRoute = <Request extends ZodMiniType>(route: AdapterRoute<Request>): AdapterRoute =>
  route as unknown as AdapterRoute;
