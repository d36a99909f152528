import type { output, ZodMiniType } from "zod/mini";
import type { OptionalGrant } from "#core/app/app.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import type { ErrorCode, NestError } from "#core/errors.ts";
import type { RpcHandler } from "#entry/rpc.ts";

/** A body in the form of another API. */
export interface ForeignBody {
  contentType: string;
  body: string;
  /** Where a browser goes instead of reading the body. */
  location?: string;
  /** `Set-Cookie` values in addition to those of the method. */
  setCookies?: readonly string[];
}

/** What a method returned. */
export type Answered = Readonly<Record<string, unknown>>;

/** An error as another API reports it. */
export interface ForeignError {
  status: number;
  /** One sentence. */
  text: string;
  /** The error of the method, for APIs that report it as it is. */
  error: Pick<NestError, "code" | "meta" | "reasons">;
}

/** How errors of methods are reported, by their code. A text alone keeps the status of the method. */
export type ForeignErrors = Readonly<
  Partial<Record<ErrorCode, readonly [status: number, text: string] | string>>
>;

/**
 * The credential with which a route calls its method. `none`: none, also if the request has one, since clients send credentials of
 * their own to public routes. `session`: the access token of the request, which must be one of the client's. `local_key`: that of
 * the request; if it has none, the internal key of the local stack, which no deployment has. `bearer_key`: the bearer of the request is
 * an internal key. `internal_key`: an internal key in Nest's own scheme; a bearer is ignored as with `none`. `caller`: an
 * access token or an internal key, or neither; the method decides. If the adapter has cookies, the access token of `session` and
 * `caller` may be in one.
 */
export type RouteCredential = "none" | "session" | "local_key" | "bearer_key" | "internal_key" | "caller";

/** A request of another API, for the translation of the response of the method. */
export interface ForeignCall<Asked = never> {
  /** What the route read. */
  asked: Asked;
  client: OAuthClient;
  /** When the request arrived. */
  now: Date;
  /** Whether the request asks for JSON, so that a page goes to a URL itself. */
  wantsJson: boolean;
}

/** What a browser keeps while its person is at an OAuth provider, so that only it can finish the visit (RFC 7636, RFC 9700). */
export interface BrowserVisit {
  /** Whether the account of the provider signs in, or is linked to the user of the session. */
  intent: "sign_in" | "link";
  state: string;
  verifier: string;
  /** The client that began it. The provider's answer names none. */
  clientId: string;
}

/** A visit with the hash of its verifier, which goes to the provider. */
export type BegunVisit = BrowserVisit & { challenge: string };

/** What the translation of a request may use beside its fields. */
export interface RequestContext {
  client: OAuthClient;
  /** The URL of the adapter, without a slash at its end. */
  baseUrl: string;
  /** For routes with `visit`. */
  visit: BegunVisit | null;
}

/** A route of another API, and the method that serves it. */
export interface AdapterRoute<Request extends ZodMiniType = ZodMiniType> {
  verb: "GET" | "POST" | "PUT" | "DELETE";
  /** After `/<adapter>`, such as `/init` or `/users/{id}`. A placeholder becomes a field of the request. */
  path: string;
  /** Serves only requests that have this field. Such a route stands before the one that serves the others of its path. */
  when?: string;
  /** One sentence for the page of the adapter. */
  summary: string;
  method: RpcHandler;
  credential: RouteCredential;
  /**
   * The fields that the route reads; others are ignored, as in the other API. GET and DELETE have them in the query, other
   * verbs in the body. Programs name a content type also without a body.
   */
  request: Request;
  /** Treats a missing body as one without fields. */
  isBodyOptional?: boolean;
  /** What each field is, for the page of the adapter. */
  fields: Readonly<Record<string, string>>;
  /** Translates a request to that of the method. @param clientId the client that lists the adapter */
  toMethod(asked: output<Request>, clientId: string, context: RequestContext): object;
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
  /** The pages that a browser gets in place of the answer, since a person opens the path from a mail. */
  page?: LinkPages;
  /**
   * The part of a visit at an OAuth provider, whose secrets a cookie keeps. `begin` makes them. `end` is where the browser comes back:
   * the request must have the `state` of the cookie; the browser then goes to the client's page, with an `error` if the method fails,
   * or with the `code` if the visit links an account. `link` uses up such a code.
   */
  visit?: "begin" | "end" | "link";
  /** Translates the response of the method. */
  toAnswer(response: Answered, call: ForeignCall<output<Request>>): ForeignBody;
  /** What a response contains, for the page of the adapter. */
  answer: string;
  errors: ForeignErrors;
}

/** Settings of a client, by their names in the app file. */
export type ClientSettings = Readonly<Partial<Pick<OAuthClient, "registrationMode" | "linkQuery">>>;

/** A page in one language. */
export interface PageTexts {
  title: string;
  text: string;
  /** The button that sends the form; null: there is nothing to send. */
  button: string | null;
  /** The label of the field for a password; absent: the form has no field. */
  password?: string;
}

/**
 * The pages behind a link in a mail. GET answers with `asks`, whose button sends a POST to the same path. No method is called before,
 * because mail scanners open links. A POST from this page answers with `done`.
 */
export interface LinkPages {
  asks: Localized<PageTexts>;
  done: Localized<PageTexts>;
  /** Fields that the form sends besides what a person types. */
  hidden?: Readonly<Record<string, string>>;
}

type Localized<Texts> = Readonly<Record<"de" | "en", Texts>>;

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
  /** A request may name no client if only one lists the adapter. Links of mails name it as `client_id` in the query. */
  isClientOptional?: boolean;
  /** The client must keep tokens in cookies. Those of the adapter have its name and its folder. */
  hasCookies?: boolean;
  /** Requests can have the token of a CAPTCHA. */
  passesCaptcha?: boolean;
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
