import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { parseCookie, stringifySetCookie } from "cookie";
import type { OAuthClient, OAuthClients } from "#core/clients/oauth_clients.ts";
import { NestError } from "#core/errors.ts";
import { unauthorized } from "#core/sessions/access_token.ts";
import { longestIdleSeconds } from "#core/sessions/session_end.ts";
import type { Version } from "#core/versions.ts";
import { headerOf } from "#entry/answer.ts";
import { type CookieScheme, METHOD_COOKIES } from "#entry/cookie_scheme.ts";

/** The first version whose methods read and set cookies. */
export const COOKIES_SINCE: Version = "2026-12-01";

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
  readonly #scheme: CookieScheme;
  readonly #access: readonly string[];
  readonly #refresh: readonly string[];
  readonly #changes: string[] = [];

  /**
   * @param event the request as the caller sent it
   * @param isOn whether the call reads and sets cookies; else they are ignored
   */
  constructor(event: APIGatewayProxyEventV2, isOn: boolean, scheme: CookieScheme = METHOD_COOKIES) {
    const values = isOn ? readValues(event) : [];
    const named = (wanted: string) => values.flatMap(([name, value]) => (name === wanted ? [value] : []));
    this.#event = event;
    this.#isOn = isOn;
    this.#scheme = scheme;
    this.#access = named(scheme.access.name);
    this.#refresh = named(scheme.refresh.name);
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
    if (token === undefined || !this.#scheme.authenticates) return null;
    const origin = headerOf(this.#event, "origin");
    if (origin === null || !oauthClients.allowsCookies(origin)) throw foreignOrigin();
    this.#scheme.requireType(this.#event);
    if (others.length > 0) throw unauthorized("malformed_token");
    return token;
  }

  /**
   * The access token of a request whose client is known, for an adapter.
   * @returns null without the cookie
   * @throws NestError unauthorized for two values; access_denied, malformed_json
   */
  accessTokenOf(client: OAuthClient): string | null {
    const [token, ...others] = this.#access;
    if (token === undefined) return null;
    this.requirePageOf(client);
    this.#scheme.requireType(this.#event);
    if (others.length > 0) throw unauthorized("malformed_token");
    return token;
  }

  /** @throws NestError access_denied unless a page of this client sent the request, and the client has cookies */
  requirePageOf(client: OAuthClient | null): void {
    if (!client?.cookies.enabled || !this.#scheme.isPageOf(this.#event, client)) throw foreignOrigin();
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
    this.#scheme.requireType(this.#event);
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
    this.#scheme.requireType(this.#event);
    // Browsers name the origin of every POST. A program that names none carries no cookies of a person.
    if (!this.#isPageOrProgramOf(client)) throw foreignOrigin();
    return { isKept: true, ...body };
  }

  /**
   * Puts the tokens of a session into cookies. The attributes depend on the client only, so that a repeated request gets the
   * same ones. If there is no new refresh token, the cookie of the earlier one stays. An expired access token stays in its cookie, so that
   * the response says `token_expired`.
   */
  set(
    client: OAuthClient,
    { accessToken, refreshToken }: { accessToken: string; refreshToken: string | null },
  ): void {
    const maxAge = longestIdleSeconds(client);
    const { access, refresh } = this.#scheme;
    this.#changes.push(stringifySetCookie({ ...access, value: accessToken, maxAge }));
    if (refreshToken !== null)
      this.#changes.push(stringifySetCookie({ ...refresh, value: refreshToken, maxAge }));
  }

  /** Removes both cookies, if the client has cookies and no page of another origin sent the request. */
  clear(client: OAuthClient | null): void {
    if (!this.#isOn || !client?.cookies.enabled || !this.#isPageOrProgramOf(client)) return;
    for (const cookie of [this.#scheme.access, this.#scheme.refresh])
      this.#changes.push(stringifySetCookie({ ...cookie, value: "", maxAge: 0 }));
  }

  #isPageOrProgramOf(client: OAuthClient): boolean {
    return this.#scheme.isProgram(this.#event) || this.#scheme.isPageOf(this.#event, client);
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

const foreignOrigin = () => new NestError("access_denied", { detail: "cookies from another origin" });
