import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ACCESS_COOKIE, REFRESH_COOKIE } from "#entry/cookie_scheme.ts";
import { appWithClients } from "#tests/support/app.ts";
import { cookieHeader, cookiesOf, fromPage, ORIGIN } from "#tests/support/cookies.ts";
import { tokenIn } from "#tests/support/identifiers.ts";
import { exchange, MAC, type Reply, startNest, type TestNest, V1, V2 } from "#tests/support/nest.ts";
import { P1 } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";

const DAYS_365 = 365 * 24 * 3600;
const OTHER_ORIGIN = "https://other.acme.example";
const REGISTERS = "client_registers";
const web = { id: MAC, origins: [ORIGIN], cookies: { enabled: true, default: true } };

let nest: TestNest;
beforeAll(async () => {
  nest = await startNest({
    app: appWithClients(
      web,
      { ...web, id: "client_asks", origins: [OTHER_ORIGIN], cookies: { enabled: true, default: false } },
      { ...web, id: "client_plain", cookies: { enabled: false, default: false } },
      { ...web, id: "client_idle", sessionIdleDays: 30 },
      { ...web, id: REGISTERS, grants: ["password"], registrationMode: "immediate" },
    ),
  });
});
afterAll(() => nest.stop());

let people = 0;
const newAddress = () => `person${++people}@example.com`;
const json = { origin: ORIGIN };

/** Signs in under 2026-12-01. */
async function signIn(change: Record<string, unknown> = {}, headers: Record<string, string> = json) {
  const client_id = (change.client_id as string | undefined) ?? MAC;
  const code = await nest.emailedCode({ identifier_value: newAddress(), client_id });
  return nest.call(`${V3}authenticate_user`, { ...exchange(code), ...change }, { headers });
}
const refresh = (options: object, change: Record<string, unknown> = {}) =>
  nest.call(`${V3}authenticate_user`, { client_id: MAC, grant_type: "refresh_token", ...change }, options);
const getUser = (options: object) => nest.call(`${V3}get_user`, {}, options);
const only = (reply: Reply, name: string) => cookieHeader(reply, [name]);

describe("a sign-in of a client with cookies", () => {
  test("sets both cookies with their attributes, and leaves the refresh token out of the body", async () => {
    const reply = await signIn();
    expect(reply).toMatchObject({ status: 200, body: { refresh_token: null } });
    expect(reply.cookies).toEqual([
      `${ACCESS_COOKIE}=${reply.body.access_token}; Max-Age=${DAYS_365}; Path=/; HttpOnly; Secure; SameSite=Lax`,
      expect.stringMatching(
        new RegExp(
          `^${REFRESH_COOKIE}=01\\.reftok_\\w+\\.[0-9a-f]{64}; Max-Age=${DAYS_365}; Path=/1/; HttpOnly; Secure; SameSite=Strict$`,
        ),
      ),
    ]);
  });

  test("keeps the cookies for as long as the client's sessions last without a refresh", async () => {
    const { cookies } = await signIn({ client_id: "client_idle" });
    for (const cookie of cookies) expect(cookie).toContain(`; Max-Age=${30 * 24 * 3600};`);
  });

  test.each([
    ["set_cookie: false", { set_cookie: false }, json],
    ["a client whose default is false", { client_id: "client_asks" }, { origin: OTHER_ORIGIN }],
    ["a client without cookies", { client_id: "client_plain" }, json],
  ])("sets none with %s", async (_what, change, headers) => {
    const reply = await signIn(change, headers);
    expect(reply).toMatchObject({ status: 200, cookies: [], body: { refresh_token: expect.any(String) } });
  });

  test("sets them for a client whose default is false if the call asks for them", async () => {
    const reply = await signIn({ client_id: "client_asks", set_cookie: true }, { origin: OTHER_ORIGIN });
    expect(reply.cookies).toHaveLength(2);
  });

  test("sets them for a program that names no origin", async () => {
    expect((await signIn({}, {})).cookies).toHaveLength(2);
  });

  test("is refused if the client has no cookies and the call asks for them, and the code still works", async () => {
    const code = await nest.emailedCode({ client_id: "client_plain", identifier_value: newAddress() });
    const ask = (change: object) =>
      nest.call(`${V3}authenticate_user`, { ...exchange(code), client_id: "client_plain", ...change });
    expect(await ask({ set_cookie: true })).toMatchObject({
      status: 400,
      body: { code: "cookies_not_enabled" },
    });
    expect(await ask({})).toMatchObject({ status: 200 });
  });

  test.each([
    ["another origin", { origin: "https://evil.example" }, 403, "access_denied"],
    ["the origin of another client", { origin: OTHER_ORIGIN }, 403, "access_denied"],
    ["an opaque origin", { origin: "null" }, 403, "access_denied"],
    ["a form", { origin: ORIGIN, "content-type": "text/plain" }, 400, "malformed_json"],
    ["a form without an origin", { "content-type": "text/plain" }, 400, "malformed_json"],
  ])("is refused from %s, and the code still works (login CSRF)", async (_what, headers, status, code) => {
    const mailed = await nest.emailedCode({ identifier_value: newAddress() });
    const ask = (headers: Record<string, string>) =>
      nest.call(`${V3}authenticate_user`, exchange(mailed), { headers });
    const refused = await ask(headers);
    expect(refused).toMatchObject({ status, body: { code }, cookies: [] });
    expect(await ask(json)).toMatchObject({ status: 200 });
  });

  test("gets the same refresh cookie again when a lost response is repeated", async () => {
    const code = await nest.emailedCode({ identifier_value: newAddress() });
    const redeem = () => nest.call(`${V3}authenticate_user`, exchange(code), { headers: json });
    const first = await redeem();
    nest.clock.advance(6);
    const second = await redeem();
    expect(second.status).toBe(200);
    expect(only(second, REFRESH_COOKIE)).toBe(only(first, REFRESH_COOKIE));
    const attributes = ({ cookies }: Reply) => cookies.map((cookie) => cookie.replace(/=[^;]*/, ""));
    expect(attributes(second)).toEqual(attributes(first));
  });

  test("sets no cookie under an older date", async () => {
    const code = await nest.emailedCode({ identifier_value: newAddress() });
    const reply = await nest.call(`${V1}authenticate_user`, exchange(code), { headers: json });
    expect(reply).toMatchObject({ status: 200, cookies: [], body: { refresh_token: expect.any(String) } });
  });
});

describe("a call with the access cookie", () => {
  test.each(["get_user", "list_sessions", "get_marketing_consent"])("performs %s", async (method) => {
    const signedIn = await signIn();
    const cookie = only(signedIn, ACCESS_COOKIE);
    const body = { user_id: signedIn.body.user_id };
    const reply = await nest.call(`${V3}${method}`, body, fromPage(cookie));
    expect([200, 404]).toContain(reply.status);
    if (reply.status === 404) expect(reply.body.code).toBe("awaiting_consent");
  });

  test.each([
    ["no origin", {}, 403, "access_denied"],
    ["another origin", { origin: "https://evil.example" }, 403, "access_denied"],
    ["the origin of another client with cookies", { origin: OTHER_ORIGIN }, 403, "access_denied"],
    ["two origins", { origin: `${ORIGIN}, https://evil.example` }, 403, "access_denied"],
    ["the origin in upper case", { origin: ORIGIN.toUpperCase() }, 403, "access_denied"],
    ["text/plain", { origin: ORIGIN, "content-type": "text/plain" }, 400, "malformed_json"],
    [
      "a form",
      { origin: ORIGIN, "content-type": "application/x-www-form-urlencoded" },
      400,
      "malformed_json",
    ],
    [
      "a type that begins as JSON's",
      { origin: ORIGIN, "content-type": "application/json5" },
      400,
      "malformed_json",
    ],
    ["no type", { origin: ORIGIN, "content-type": "" }, 400, "malformed_json"],
  ])("is refused with %s (CSRF)", async (_what, headers, status, code) => {
    const cookie = cookieHeader(await signIn());
    expect(await getUser({ headers: { ...headers, cookie } })).toMatchObject({ status, body: { code } });
  });

  test("accepts JSON with a charset, and unknown cookies beside its own", async () => {
    const cookie = `theme=dark; ${cookieHeader(await signIn())}; empty=; strange; =nameless; a=%zz`;
    const headers = { origin: ORIGIN, cookie, "content-type": "application/json; charset=utf-8" };
    expect(await getUser({ headers })).toMatchObject({ status: 200 });
  });

  test("uses the bearer token if there is one, whatever the cookie says", async () => {
    const one = await signIn();
    const other = await signIn();
    const options = { ...fromPage(cookieHeader(one)), bearer: other.body.access_token };
    expect((await getUser(options)).body.id).toBe(other.body.user_id);
    const foreign = {
      ...fromPage(cookieHeader(one), "https://evil.example"),
      bearer: other.body.access_token,
    };
    expect(await getUser(foreign)).toMatchObject({ status: 200 });
    expect(await getUser({ ...fromPage(cookieHeader(one)), bearer: "wrong" })).toMatchObject({ status: 401 });
  });

  test.each([
    ["two access tokens", (cookie: string) => `${cookie}; ${cookie}`],
    ["a valid token and another value", (cookie: string) => `${ACCESS_COOKIE}=x; ${cookie}`],
    ["a very long value", () => `${ACCESS_COOKIE}=${"x".repeat(8000)}`],
    ["an empty value", () => `${ACCESS_COOKIE}=`],
    [
      "a refresh token",
      (_cookie: string, refreshCookie: string) => `${ACCESS_COOKIE}=${refreshCookie.split("=")[1]}`,
    ],
  ])("is unauthorized with %s", async (_what, cookieOf) => {
    const signedIn = await signIn();
    const cookie = cookieOf(only(signedIn, ACCESS_COOKIE), only(signedIn, REFRESH_COOKIE));
    expect(await getUser(fromPage(cookie))).toMatchObject({ status: 401, body: { code: "unauthorized" } });
  });

  test("has no credential if only the case of the name differs", async () => {
    const cookie = only(await signIn(), ACCESS_COOKIE).replace("__Host", "__host");
    expect(await getUser(fromPage(cookie))).toMatchObject({ status: 403, body: { code: "access_denied" } });
  });

  test("is unauthorized with an expired token, so that the page refreshes", async () => {
    const signedIn = await signIn();
    nest.clock.advance(3700);
    const expired = await getUser(fromPage(cookieHeader(signedIn)));
    expect(expired).toMatchObject({ status: 401, body: { reasons: [{ code: "token_expired" }] } });
    const refreshed = await refresh(fromPage(cookieHeader(signedIn)));
    expect(await getUser(fromPage(cookieHeader(refreshed)))).toMatchObject({ status: 200 });
  });

  test("is refused once the client's cookies are turned off", async () => {
    const signedIn = await signIn();
    const app = appWithClients({ ...web, cookies: { enabled: false, default: false } });
    const later = await startNest({ beside: nest, app });
    const options = fromPage(cookieHeader(signedIn));
    expect(await later.call(`${V3}get_user`, {}, options)).toMatchObject({ status: 403 });
    const missing = { status: 400, body: { code: "refresh_token_missing" } };
    const body = { client_id: MAC, grant_type: "refresh_token" };
    expect(await later.call(`${V3}authenticate_user`, body, options)).toMatchObject(missing);
    await later.stop();
  });

  test("is anonymous under older dates", async () => {
    const signedIn = await signIn();
    const body = { user_id: signedIn.body.user_id };
    const reply = await nest.call(`${V2}get_user`, body, fromPage(cookieHeader(signedIn)));
    expect(reply).toMatchObject({ status: 403, body: { code: "access_denied" } });
  });

  test("does not disturb a public method, whatever its value and origin", async () => {
    const headers = { cookie: `${ACCESS_COOKIE}=expired`, origin: "https://evil.example" };
    const reply = await nest.call(`${V3}list_plans`, { client_id: MAC }, { headers });
    expect(reply).toMatchObject({ status: 200 });
  });
});

describe("the access token in a cookie of verify_identifier", () => {
  const register = async () => {
    const person = { identifier_type: "email", identifier_value: newAddress(), password: P1 };
    const asked = { client_id: REGISTERS, ...person, options: { set_cookie: true } };
    const registered = await nest.call(`${V3}register_user`, asked, { headers: json });
    expect(registered.status).toBe(200);
    const cookie = only(registered, ACCESS_COOKIE);
    const sent = await nest.call(
      `${V3}send_verification`,
      { client_id: REGISTERS, ...person, password: undefined, delivery: "link" },
      fromPage(cookie),
    );
    expect(sent.status).toBe(200);
    const token = tokenIn(nest.lastMail(person.identifier_value).text);
    return { userId: String(registered.body.user_id), cookie, token };
  };
  const verify = (token: string, options: object) =>
    nest.call(`${V3}verify_identifier`, { client_id: REGISTERS, token }, options);
  const hasPassword = async (userId: string) =>
    (await nest.gateway.core.passwords.findByUser(userId)) !== null;

  test("counts like a bearer token: the user's own link keeps the password", async () => {
    const { userId, cookie, token } = await register();
    expect((await verify(token, fromPage(cookie))).status).toBe(200);
    expect(await hasPassword(userId)).toBe(true);
    expect((await getUser(fromPage(cookie))).status).toBe(200);
  });

  test("of another user, or of no session, proves the address as a stranger does", async () => {
    const other = await register();
    for (const options of [{}, fromPage(other.cookie), fromPage(other.cookie, "https://evil.example")]) {
      const { userId, token } = await register();
      expect((await verify(token, options)).status).toBe(200);
      expect(await hasPassword(userId)).toBe(false);
    }
  });

  test("is refused if it has expired, so that the page refreshes it before it uses up the link", async () => {
    const { userId, cookie, token } = await register();
    nest.clock.advance(3601);
    expect(await verify(token, fromPage(cookie))).toMatchObject({
      status: 401,
      body: { code: "unauthorized" },
    });
    expect(await hasPassword(userId)).toBe(true);
    expect((await verify(token, {})).status).toBe(200);
  });
});

describe("a refresh with the cookie", () => {
  test("rotates the token into new cookies", async () => {
    const signedIn = await signIn();
    const reply = await refresh(fromPage(only(signedIn, REFRESH_COOKIE)));
    expect(reply).toMatchObject({
      status: 200,
      body: { refresh_token: null, session_id: signedIn.body.session_id },
    });
    expect(Object.keys(cookiesOf(reply))).toEqual([ACCESS_COOKIE, REFRESH_COOKIE]);
    expect(only(reply, REFRESH_COOKIE)).not.toBe(only(signedIn, REFRESH_COOKIE));
  });

  test("never puts a token from a cookie into the body, also with set_cookie: false", async () => {
    const signedIn = await signIn();
    const reply = await refresh(fromPage(cookieHeader(signedIn)), { set_cookie: false });
    expect(reply.body.refresh_token).toBeNull();
    expect(reply.raw).not.toContain("reftok_");
  });

  test("gets the same refresh cookie when many tabs refresh at once", async () => {
    const signedIn = await signIn();
    const replies = await Promise.all(
      Array.from({ length: 10 }, () => refresh(fromPage(cookieHeader(signedIn)))),
    );
    expect(replies.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(new Set(replies.map((reply) => only(reply, REFRESH_COOKIE))).size).toBe(1);
  });

  test("ends the session if a used token comes back after its successor was used", async () => {
    const first = await signIn();
    const second = await refresh(fromPage(cookieHeader(first)));
    await refresh(fromPage(cookieHeader(second)));
    nest.clock.advance(60);
    const reused = await refresh(fromPage(cookieHeader(first)));
    expect(reused).toMatchObject({ status: 400, body: { code: "token_used" }, cookies: [] });
    expect(await refresh(fromPage(cookieHeader(second)))).toMatchObject({ status: 400 });
  });

  test("takes the token of the body if there is one, and moves it into cookies", async () => {
    const inBody = await signIn({ set_cookie: false });
    const inCookie = await signIn();
    const { refresh_token } = inBody.body;
    const reply = await refresh(fromPage(cookieHeader(inCookie)), { refresh_token });
    expect(reply.body).toMatchObject({ user_id: inBody.body.user_id, refresh_token: null });
    expect(reply.cookies).toHaveLength(2);
  });

  test.each([
    ["no origin", { headers: {} }],
    ["another origin", { headers: { origin: "https://evil.example" } }],
    ["the origin of another client", { headers: { origin: OTHER_ORIGIN } }],
  ])("is refused with %s, and the token still works", async (_what, { headers }) => {
    const cookie = cookieHeader(await signIn());
    const refused = await refresh({ headers: { ...headers, cookie } });
    expect(refused).toMatchObject({ status: 403, body: { code: "access_denied" } });
    expect(await refresh(fromPage(cookie))).toMatchObject({ status: 200 });
  });

  test("is refused as text/plain", async () => {
    const cookie = cookieHeader(await signIn());
    const reply = await refresh({ headers: { origin: ORIGIN, cookie, "content-type": "text/plain" } });
    expect(reply).toMatchObject({ status: 400, body: { code: "malformed_json" } });
  });

  test.each([
    ["a second value that a sibling domain set", (own: string) => `${own}; ${REFRESH_COOKIE}=01.reftok_x.y`],
    ["the same value twice", (own: string) => `${own}; ${own}`],
    ["a very long value", () => `${REFRESH_COOKIE}=01.${"x".repeat(8000)}`],
    ["an empty value", () => `${REFRESH_COOKIE}=`],
  ])("is refused with %s, and the token still works", async (_what, cookieOf) => {
    const own = only(await signIn(), REFRESH_COOKIE);
    const refused = await refresh(fromPage(cookieOf(own)));
    expect(refused).toMatchObject({ status: 400, body: { code: "malformed_refresh_token" }, cookies: [] });
    expect(await refresh(fromPage(own))).toMatchObject({ status: 200 });
  });

  test("names the missing token without a cookie, and for a client without cookies", async () => {
    const missing = { status: 400, body: { code: "refresh_token_missing" } };
    expect(await refresh(fromPage(""))).toMatchObject(missing);
    const cookie = cookieHeader(await signIn());
    expect(await refresh(fromPage(cookie), { client_id: "client_plain" })).toMatchObject(missing);
  });

  test("ignores the cookie under an older date", async () => {
    const cookie = cookieHeader(await signIn());
    const body = { client_id: MAC, grant_type: "refresh_token" };
    const reply = await nest.call(`${V1}authenticate_user`, body, fromPage(cookie));
    expect(reply).toMatchObject({ status: 400, body: { code: "refresh_token_missing" }, cookies: [] });
  });
});

describe("signing out", () => {
  const revokeToken = (options: object, change: Record<string, unknown> = {}) =>
    nest.call(`${V3}revoke_token`, { client_id: MAC, ...change }, options);
  const CLEARED = [
    `${ACCESS_COOKIE}=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax`,
    `${REFRESH_COOKIE}=; Max-Age=0; Path=/1/; HttpOnly; Secure; SameSite=Strict`,
  ];

  test("revoke_token ends the session of the cookie and removes both cookies", async () => {
    const cookie = cookieHeader(await signIn());
    expect(await revokeToken(fromPage(cookie))).toMatchObject({ status: 204, cookies: CLEARED });
    expect(await getUser(fromPage(cookie))).toMatchObject({ status: 401 });
    expect(await refresh(fromPage(cookie))).toMatchObject({
      status: 400,
      body: { code: "authorization_not_found" },
    });
    // Repeated, as after a lost response.
    expect(await revokeToken(fromPage(cookie))).toMatchObject({ status: 204, cookies: CLEARED });
  });

  test.each([
    ["an unknown token", { refresh_token: "01.reftok_x.y" }, json, CLEARED],
    ["no token at all", {}, json, CLEARED],
    ["a client without cookies", { client_id: "client_plain" }, json, []],
    ["an unknown client", { client_id: "client_nobody" }, json, []],
    ["a page of another origin", { refresh_token: "01.reftok_x.y" }, { origin: "https://evil.example" }, []],
  ])("revoke_token answers 204 for %s", async (_what, change, headers, cookies) => {
    expect(await revokeToken({ headers }, change)).toMatchObject({ status: 204, cookies });
  });

  test("revoke_token of another origin ends nothing by the cookie", async () => {
    const cookie = cookieHeader(await signIn());
    expect(await revokeToken(fromPage(cookie, "https://evil.example"))).toMatchObject({
      status: 403,
      cookies: [],
    });
    expect(await getUser(fromPage(cookie))).toMatchObject({ status: 200 });
  });

  test("revoke_token with the cookie of another client ends nothing, and leaves the cookies to that client", async () => {
    const cookie = cookieHeader(await signIn());
    const asOther = { client_id: "client_asks" };
    expect(await revokeToken(fromPage(cookie, OTHER_ORIGIN), asOther)).toMatchObject({
      status: 204,
      cookies: [],
    });
    expect(await getUser(fromPage(cookie))).toMatchObject({ status: 200 });
    expect(await refresh(fromPage(cookie))).toMatchObject({ status: 200 });
  });

  test("revoke_token refuses two values, and revoke_session ends the session all the same", async () => {
    const cookie = `${cookieHeader(await signIn())}; ${REFRESH_COOKIE}=01.reftok_x.y`;
    expect(await revokeToken(fromPage(cookie))).toMatchObject({
      status: 400,
      body: { code: "malformed_refresh_token" },
    });
    const ended = await nest.call(`${V3}revoke_session`, {}, fromPage(cookie));
    expect(ended).toMatchObject({ status: 200, cookies: CLEARED });
    expect(await getUser(fromPage(cookie))).toMatchObject({ status: 401 });
  });

  test("revoke_token of the older date keeps its request and sets no cookie", async () => {
    const cookie = cookieHeader(await signIn());
    const missing = await nest.call(`${V2}revoke_token`, { client_id: MAC }, fromPage(cookie));
    expect(missing).toMatchObject({ status: 400, body: { code: "validation_failed" }, cookies: [] });
  });

  test("ending another session keeps the cookies, and ending all removes them", async () => {
    const address = newAddress();
    const codes = [await nest.emailedCode({ identifier_value: address })];
    const one = await nest.call(`${V3}authenticate_user`, exchange(codes[0] as string), { headers: json });
    const second = await nest.emailedCode({ identifier_value: address });
    const other = await nest.call(`${V3}authenticate_user`, exchange(second), { headers: json });
    const mine = fromPage(cookieHeader(one));
    const ended = await nest.call(`${V3}revoke_session`, { session_id: other.body.session_id }, mine);
    expect(ended).toMatchObject({ status: 200, cookies: [] });
    expect(await nest.call(`${V3}revoke_all_sessions`, {}, mine)).toMatchObject({ status: 200, cookies: [] });
    const all = await nest.call(`${V3}revoke_all_sessions`, { except_current: false }, mine);
    expect(all).toMatchObject({ status: 200, cookies: CLEARED });
  });
});

describe("cross-origin headers", () => {
  const ask = (path: string, origin: string, method: string) =>
    nest.call(path, method === "POST" ? {} : undefined, { method, headers: { origin } });
  const CREDENTIALS = "access-control-allow-credentials";

  test.each(["OPTIONS", "POST"])(
    "allow credentials from exactly the origins with cookies (%s)",
    async (method) => {
      for (const origin of [ORIGIN, OTHER_ORIGIN]) {
        const { headers } = await ask(`${V3}get_user`, origin, method);
        expect(headers).toMatchObject({
          [CREDENTIALS]: "true",
          "access-control-allow-origin": origin,
          vary: "origin",
        });
      }
      for (const origin of ["https://evil.example", `${ORIGIN}.evil.example`, "null", "*"]) {
        const { headers } = await ask(`${V3}get_user`, origin, method);
        expect(Object.keys(headers).filter((name) => name.startsWith("access-control-"))).toEqual([]);
      }
    },
  );

  test("are the same for an unknown method, whose error a page can read", async () => {
    const reply = await ask(`${V3}no_such_method`, ORIGIN, "POST");
    expect(reply).toMatchObject({ status: 404, headers: { [CREDENTIALS]: "true" } });
  });

  test.each([V1, V2])("allow no credentials under %s", async (date) => {
    for (const method of ["OPTIONS", "POST"]) {
      const { headers } = await ask(`${date}get_user`, ORIGIN, method);
      expect(headers["access-control-allow-origin"]).toBe(ORIGIN);
      expect(headers).not.toHaveProperty(CREDENTIALS);
    }
  });

  test("allow no credentials for the origin of a client without cookies", async () => {
    const app = appWithClients({ id: MAC, origins: [ORIGIN] });
    const other = await startNest({ beside: nest, app });
    const { headers } = await other.call(`${V3}get_user`, {}, { headers: { origin: ORIGIN } });
    expect(headers["access-control-allow-origin"]).toBe(ORIGIN);
    expect(headers).not.toHaveProperty(CREDENTIALS);
    await other.stop();
  });
});

test("no log line contains a token of a cookie", async () => {
  const signedIn = await signIn();
  await getUser(fromPage(cookieHeader(signedIn)));
  await refresh(fromPage(cookieHeader(signedIn)));
  const log = nest.logLines.join("\n");
  for (const { value } of Object.values(cookiesOf(signedIn))) expect(log).not.toContain(value);
  expect(log).not.toContain("reftok_");
});
