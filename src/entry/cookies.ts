import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { parseCookie, type SetCookie, stringifySetCookie } from "cookie";
import type { OAuthClient, OAuthClients } from "#core/clients/oauth_clients.ts";
import { NestError } from "#core/errors.ts";
import { unauthorized } from "#core/sessions/access_token.ts";
import { longestIdleSeconds } from "#core/sessions/session_end.ts";
import type { Version } from "#core/versions.ts";
import { headerOf } from "#entry/answer.ts";

/** No domain but the API's own can set a cookie of this name, and only for the whole API (RFC 6265bis section 4.1.3). */
export const ACCESS_COOKIE = "__Host-nest_access";
/** A domain above or beside the API's can set this name too, which is why two values count as none. */
export const REFRESH_COOKIE = "__Secure-nest_refresh";

/** The first version whose methods read and set cookies. */
export const COOKIES_SINCE: Version = "2026-12-01";

const ACCESS: Omit<SetCookie, "value"> = {
  name: ACCESS_COOKIE,
  path: "/",
  httpOnly: true,
  secure: true,
  sameSite: "lax",
};
/** Sent to the API's methods only, and never by a link from another site. */
const REFRESH: Omit<SetCookie, "value"> = {
  name: REFRESH_COOKIE,
  path: "/1/",
  httpOnly: true,
  secure: true,
  sameSite: "strict",
};

/** What a sign-in or a refresh asks of cookies. */
interface SignInRequest {
  grant_type?: string;
  refresh_token?: string | undefined;
  set_cookie?: boolean | undefined;
}

/** The cookies of one call of a method: those that the request has, and those that the response sets. */
export class Cookies {
  readonly #event: APIGatewayProxyEventV2;
  readonly #isOn: boolean;
  readonly #access: readonly string[];
  readonly #refresh: readonly string[];
  readonly #changes: string[] = [];

  /** @param isOn whether the call reads and sets cookies; else they are ignored */
  constructor(event: APIGatewayProxyEventV2, isOn: boolean) {
    const values = isOn ? readValues(event) : [];
    const named = (wanted: string) => values.flatMap(([name, value]) => (name === wanted ? [value] : []));
    this.#event = event;
    this.#isOn = isOn;
    this.#access = named(ACCESS_COOKIE);
    this.#refresh = named(REFRESH_COOKIE);
  }

  /** The `Set-Cookie` values of the response. */
  get changes(): readonly string[] {
    return this.#changes;
  }

  /**
   * The access token of the request, for a method that needs one. The call must come from a page of a client with cookies;
   * once the token is verified, `requirePageOf` checks that it is the token's client.
   * @returns null without the cookie
   * @throws NestError unauthorized for two values; access_denied, malformed_json
   */
  accessToken(oauthClients: Pick<OAuthClients, "allowsCookies">): string | null {
    const [token, ...others] = this.#access;
    if (token === undefined) return null;
    const origin = headerOf(this.#event, "origin");
    if (origin === null || !oauthClients.allowsCookies(origin)) throw foreignOrigin();
    requireJsonType(this.#event);
    if (others.length > 0) throw unauthorized("malformed_token");
    return token;
  }

  /** @throws NestError access_denied unless a page of this client sent the request, and the client has cookies */
  requirePageOf(client: OAuthClient | null): void {
    if (!client?.cookies.enabled || !this.#isPageOf(client)) throw foreignOrigin();
  }

  /**
   * The refresh token of the request, if the client has cookies.
   * @returns undefined without the cookie
   * @throws NestError malformed_refresh_token for two values; access_denied, malformed_json
   */
  refreshToken(client: OAuthClient | null): string | undefined {
    const [token, ...others] = this.#refresh;
    if (token === undefined || !client?.cookies.enabled) return undefined;
    this.requirePageOf(client);
    requireJsonType(this.#event);
    if (others.length > 0) throw new NestError("malformed_refresh_token");
    return token;
  }

  /**
   * Decides, before anything is written, whether the tokens of a sign-in go into cookies: if the request or the client says so,
   * and always if the refresh token came from a cookie, so that no script gets it.
   * @returns also the refresh token, from the body or from the cookie
   * @throws NestError cookies_not_enabled; access_denied for a page of another origin; malformed_refresh_token, malformed_json
   */
  forSignIn(client: OAuthClient | null, asked: SignInRequest): { isKept: boolean; refreshToken?: string } {
    const { grant_type, refresh_token: given, set_cookie } = asked;
    const own = grant_type === "refresh_token" && given === undefined ? this.refreshToken(client) : undefined;
    if (own !== undefined) return { isKept: true, refreshToken: own };
    const body = given === undefined ? {} : { refreshToken: given };
    if (!client || !this.#isOn || !(set_cookie ?? client.cookies.default)) return { isKept: false, ...body };
    if (!client.cookies.enabled) throw new NestError("cookies_not_enabled");
    requireJsonType(this.#event);
    // Browsers name the origin of every POST. A program that names none carries no cookies of a person.
    if (!this.#isPageOrProgramOf(client)) throw foreignOrigin();
    return { isKept: true, ...body };
  }

  /**
   * Puts the tokens of a session into cookies. The attributes depend on the client only, so that a repeated request gets the
   * same ones. Without a refresh token, its cookie stays. An expired access token stays in its cookie, so that the response says `token_expired`.
   */
  set(
    client: OAuthClient,
    { accessToken, refreshToken }: { accessToken: string; refreshToken: string | null },
  ): void {
    const maxAge = longestIdleSeconds(client);
    this.#changes.push(stringifySetCookie({ ...ACCESS, value: accessToken, maxAge }));
    if (refreshToken !== null)
      this.#changes.push(stringifySetCookie({ ...REFRESH, value: refreshToken, maxAge }));
  }

  /** Removes both cookies, if the client has cookies and no page of another origin sent the request. */
  clear(client: OAuthClient | null): void {
    if (!this.#isOn || !client?.cookies.enabled || !this.#isPageOrProgramOf(client)) return;
    for (const cookie of [ACCESS, REFRESH])
      this.#changes.push(stringifySetCookie({ ...cookie, value: "", maxAge: 0 }));
  }

  #isPageOf({ origins }: OAuthClient): boolean {
    const origin = headerOf(this.#event, "origin");
    return origin !== null && origins.includes(origin);
  }

  #isPageOrProgramOf(client: OAuthClient): boolean {
    return headerOf(this.#event, "origin") === null || this.#isPageOf(client);
  }
}

/** For a call that has no cookies, such as that of an adapter. */
export const noCookies = (event: APIGatewayProxyEventV2) => new Cookies(event, false);

/**
 * The cookies of a request, with every value of a repeated name. API Gateway puts them into `cookies`; a gateway that leaves
 * them in the header is read as well.
 */
function readValues(event: APIGatewayProxyEventV2): (readonly [name: string, value: string])[] {
  const header = headerOf(event, "cookie");
  const fields = event.cookies ?? (header === null ? [] : [header]);
  return fields
    .flatMap((field) => field.split(";"))
    .flatMap((pair) => Object.entries(parseCookie(pair, { decode: (value) => value })))
    .flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
}

/** A form of another site can send any body, but not this type. @throws NestError malformed_json */
function requireJsonType(event: APIGatewayProxyEventV2): void {
  const [type = ""] = (headerOf(event, "content-type") ?? "").split(";");
  if (type.trim().toLowerCase() !== "application/json")
    throw new NestError("malformed_json", { detail: "content type with cookies" });
}

const foreignOrigin = () => new NestError("access_denied", { detail: "cookies from another origin" });
