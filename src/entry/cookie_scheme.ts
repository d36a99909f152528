import type { APIGatewayProxyEventV2 } from "aws-lambda";
import type { SetCookie } from "cookie";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import { NestError } from "#core/errors.ts";
import { headerOf } from "#entry/answer.ts";

type Attributes = Omit<SetCookie, "value">;

/** The cookies in which an API keeps tokens, and the requests that may use them. */
export interface CookieScheme {
  access: Attributes;
  refresh: Attributes;
  /** Whether methods authenticate a call by the access token in a cookie. An adapter does it before it calls a method. */
  authenticates: boolean;
  /** Whether a page that may use the cookies of the client sent the request. */
  isPageOf(event: APIGatewayProxyEventV2, client: Pick<OAuthClient, "origins">): boolean;
  /** Whether no page sent the request. */
  isProgram(event: APIGatewayProxyEventV2): boolean;
  /** Refuses what a form of another site can send. @throws NestError malformed_json */
  requireType(event: APIGatewayProxyEventV2): void;
}

/** No domain but the API's own can set a cookie of this name, and only for the whole API (RFC 6265bis section 4.1.3). */
export const ACCESS_COOKIE = "__Host-nest_access";
/** A domain above or beside the API's can set this name too, which is why two values count as none. */
export const REFRESH_COOKIE = "__Secure-nest_refresh";

const HIDDEN = { httpOnly: true, secure: true } as const;

/** The cookies of methods. Browsers name the origin of every POST. */
export const METHOD_COOKIES: CookieScheme = {
  access: { name: ACCESS_COOKIE, path: "/", ...HIDDEN, sameSite: "lax" },
  /** Sent to the API's methods only, and never by a link from another site. */
  refresh: { name: REFRESH_COOKIE, path: "/1/", ...HIDDEN, sameSite: "strict" },
  authenticates: true,
  isPageOf: (event, { origins }) => {
    const origin = headerOf(event, "origin");
    return origin !== null && origins.includes(origin);
  },
  isProgram: (event) => headerOf(event, "origin") === null,
  requireType: requireJsonType,
};

/**
 * The cookies of an adapter, which browsers send to its paths only. Its API also has GET requests: for these, a browser sends no
 * `Origin`, but says in `Sec-Fetch-Site` whether a page of the same origin sends them.
 * @param adapter its name
 */
export const adapterCookies = (adapter: string): CookieScheme => ({
  access: { name: `__Secure-${adapter}_access`, path: `/${adapter}/`, ...HIDDEN, sameSite: "lax" },
  refresh: { name: `__Secure-${adapter}_refresh`, path: `/${adapter}/token/`, ...HIDDEN, sameSite: "strict" },
  authenticates: false,
  isPageOf: (event, { origins }) => isOfOwnOrigin(event) || origins.includes(headerOf(event, "origin") ?? ""),
  isProgram: isNoBrowser,
  requireType(event) {
    const hasBody = ["POST", "PUT"].includes(event.requestContext.http.method);
    if (hasBody && !isOfOwnOrigin(event) && !isNoBrowser(event)) requireJsonType(event);
  },
});

function isNoBrowser(event: APIGatewayProxyEventV2): boolean {
  return headerOf(event, "origin") === null && headerOf(event, "sec-fetch-site") === null;
}

/** No page of another origin can set this header. */
const isOfOwnOrigin = (event: APIGatewayProxyEventV2) => headerOf(event, "sec-fetch-site") === "same-origin";

/** A form of another site can send any body, but not this type. @throws NestError malformed_json */
function requireJsonType(event: APIGatewayProxyEventV2): void {
  const [type = ""] = (headerOf(event, "content-type") ?? "").split(";");
  if (type.trim().toLowerCase() !== "application/json")
    throw new NestError("malformed_json", { detail: "content type with cookies" });
}
