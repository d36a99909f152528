import { parseSetCookie, type SetCookie } from "cookie";
import { ACCESS_COOKIE, REFRESH_COOKIE } from "#entry/cookie_scheme.ts";
import type { Reply } from "#tests/support/nest.ts";

/** The origin of a page of the client with cookies. */
export const ORIGIN = "https://app.acme.example";

/** The cookies of a response by name. */
export function cookiesOf({ cookies }: Pick<Reply, "cookies">): Record<string, SetCookie> {
  return Object.fromEntries(
    cookies.map((text) => parseSetCookie(text)).map((cookie) => [cookie.name, cookie]),
  );
}

/** The `cookie` header with which a browser sends the cookies of a response. */
export function cookieHeader(reply: Pick<Reply, "cookies">, names = [ACCESS_COOKIE, REFRESH_COOKIE]): string {
  const kept = cookiesOf(reply);
  return names.map((name) => `${name}=${kept[name]?.value}`).join("; ");
}

/** The headers of a call that a page of the client sends with these cookies. */
export const fromPage = (cookie: string, origin = ORIGIN) => ({ headers: { origin, cookie } });
