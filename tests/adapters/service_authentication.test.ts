import { createRemoteJWKSet, jwtVerify } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import app from "#app";
import type { Client } from "#core/app/app.ts";
import { digitsIn } from "#tests/support/codes.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { V3 } from "#tests/support/plans.ts";
import {
  CookieJar,
  OWN_PAGE,
  type RestReply,
  ServiceAuthentication,
} from "#tests/support/service_authentication.ts";
import { withSampleClients } from "#tools/local/sample_clients.ts";

const ORIGIN = "http://localhost:5174";
const COOKIES = ["__Secure-service_authentication_access", "__Secure-service_authentication_refresh"];
const HTML = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };
const FORM = { ...HTML, ...OWN_PAGE, origin: "null", "content-type": "application/x-www-form-urlencoded" };
const PASSWORD = "password123";

let stack: TestStack;
let api: ServiceAuthentication;
let people = 0;
const next = () => `rest${++people}@example.com`;

beforeAll(async () => {
  stack = await startTestStack({ settings: { LIMIT_CODES_PER_IDENTIFIER: "0" } });
  api = await ServiceAuthentication.of(stack);
});
afterAll(() => stack[Symbol.asyncDispose]());

const codeOf = ({ status, body }: RestReply) => [status, body?.code];
const login = (email: string, options: object = {}) =>
  api.send("POST", "/login", { body: { email, password: PASSWORD, options } });
const user = (token: string) => api.send("GET", "/user", { token });
const mailsTo = (email: string) => stack.ses.inbox.filter(({ to }) => to === email);

/** A user with a password, signed in without cookies. */
async function registered(email = next()) {
  const tokens = await api.register(email, {}, PASSWORD);
  return {
    email,
    token: tokens.access_token as string,
    refreshToken: tokens.refresh_token,
    id: tokens.user_id,
  };
}

/** A user who has roles, whose address must be verified for that. */
async function withRoles(...roles: string[]) {
  const email = next();
  await api.take("POST", "/login/magic", { body: { email } });
  const { access_token: token, user_id } = await api.take("GET", `${api.linkTo(email)}&setCookie=false`);
  const { body } = await stack.ask("GET", "/dev/status");
  const internal = { authorization: `internal ${body.internal_key}` };
  const given = await stack.ask("POST", `${V3}set_user_roles`, { user_id, roles }, internal);
  if (given.status !== 200) throw new Error(JSON.stringify(given.body));
  return { email, token: token as string, id: user_id as string };
}

describe("Registration, login, logout", () => {
  test("A14, A22: registers, and logs in with the JWT that any library verifies", async () => {
    const { email, id } = await registered();
    const { status, body } = await login(email, { setCookie: false });
    expect([status, body.user_id]).toEqual([200, id]);
    const keys = createRemoteJWKSet(new URL(`${stack.api.url}/.well-known/jwks.json`));
    const { payload } = await jwtVerify(body.access_token, keys, { issuer: stack.api.url });
    expect(payload).toMatchObject({ sub: id, client_id: api.clientId, amr: ["pwd"] });
  });

  test("A14, A20, A21: every option of the README's sample works together", async () => {
    const email = next();
    const options = {
      sendEmail: true,
      sendSms: true,
      setCookie: true,
      sendResetEmail: true,
      verifyEmail: true,
    };
    const jar = new CookieJar();
    const body = { email, password: PASSWORD, options };
    const { refresh_token, verification } = await api.take("POST", "/register", { body, jar });
    expect([refresh_token, jar.names]).toEqual([null, COOKIES]);
    const proof = { nonce: verification.nonce, code: digitsIn(mailsTo(email).at(-1)?.text ?? "") };
    expect((await api.take("POST", "/email/verify", { body: proof })).identifier.verified_at).not.toBeNull();
  });

  test("A15, A19: without a password nobody can log in, until a link of a mail sets one", async () => {
    const email = next();
    await api.register(email, { sendResetEmail: true });
    expect(codeOf(await login(email))).toEqual([401, "invalid_credentials"]);
    await api.take("POST", api.linkTo(email).replace(/\?.*/, ""), { body: { password: PASSWORD } });
    expect((await login(email)).status).toBe(200);
  });

  test("A16: sends a welcome mail only if it is asked to", async () => {
    const [welcomed, other] = [next(), next()];
    await api.register(welcomed, { sendEmail: true }, PASSWORD);
    await api.register(other, {}, PASSWORD);
    expect([mailsTo(welcomed).length, mailsTo(other).length]).toEqual([1, 0]);
  });

  test("A17: sends an SMS only to a phone that was given", async () => {
    const body = { email: next(), phone: "+6591230017", password: PASSWORD, options: { sendSms: true } };
    await api.take("POST", "/register", { body });
    expect(stack.sns.inbox.filter(({ to }) => to === body.phone)).toHaveLength(1);
  });

  test("A18: a registration sets no cookie unless it is asked to", async () => {
    const jar = new CookieJar();
    await api.take("POST", "/register", { body: { email: next(), password: PASSWORD }, jar });
    expect(jar.names).toEqual([]);
  });

  test("A23: a login sets cookies unless it is told not to, and then answers no refresh token", async () => {
    const { email } = await registered();
    const set = await login(email);
    expect(set.body.refresh_token).toBeNull();
    const [access = "", refresh = ""] = set.headers.getSetCookie();
    expect(access).toMatch(
      /^__Secure-service_authentication_access=ey.*; Path=\/service_authentication\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    expect(refresh).toMatch(
      /^__Secure-service_authentication_refresh=01\..*; Path=\/service_authentication\/token\/; HttpOnly; Secure; SameSite=Strict$/,
    );
    const kept = await login(email, { setCookie: false });
    expect([kept.headers.getSetCookie(), typeof kept.body.refresh_token]).toEqual([[], "string"]);
  });

  test("A02: a wrong password and an unknown address get the same answer, with a message", async () => {
    const { email } = await registered();
    const body = { email, password: "another password" };
    const wrong = await api.send("POST", "/login", { body });
    const unknown = await api.send("POST", "/login", { body: { ...body, email: next() } });
    const malformed = await api.send("POST", "/login", { body: { ...body, email: "zzz" } });
    expect(wrong.body).toEqual({ code: "invalid_credentials", message: expect.stringMatching(/^The email/) });
    expect([wrong.status, unknown.status, unknown.body]).toEqual([401, 401, wrong.body]);
    expect([malformed.status, malformed.body.message]).toEqual([401, wrong.body.message]);
  });
});

describe("JWTs, token refresh", () => {
  test("A32: GET /token/refresh renews the tokens in the cookies of a page", async () => {
    const { email } = await registered();
    const jar = new CookieJar();
    await api.take("POST", "/login", { body: { email, password: PASSWORD }, jar });
    const before = jar.header;
    const tokens = await api.take("GET", "/token/refresh", { jar, headers: OWN_PAGE });
    expect([tokens.refresh_token, jar.header === before]).toEqual([null, false]);
    const listed = { origin: ORIGIN };
    const answer = await api.send("GET", "/user", { jar, headers: listed });
    expect([answer.body.email, answer.headers.get("access-control-allow-credentials")]).toEqual([
      email,
      "true",
    ]);
    await api.take("GET", "/token/refresh", { jar, headers: listed });
  });

  test("A32: cookies count only for the page of the client (CSRF)", async () => {
    const { email } = await registered();
    const jar = new CookieJar();
    await api.take("POST", "/login", { body: { email, password: PASSWORD }, jar });
    const senders: Record<string, string>[] = [
      {},
      { origin: "https://evil.example" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "none" },
    ];
    for (const headers of senders)
      for (const path of ["/token/refresh", "/token/revoke", "/user"])
        expect(codeOf(await api.send("GET", path, { jar, headers })), path).toEqual([403, "access_denied"]);
    expect((await api.send("GET", "/user", { jar, headers: OWN_PAGE })).status).toBe(200);
  });

  test("A32: POST /token/refresh takes a refresh token in its body", async () => {
    const { refreshToken } = await registered();
    const tokens = await api.take("POST", "/token/refresh", { body: { refresh_token: refreshToken } });
    expect((await user(tokens.access_token)).status).toBe(200);
    expect(codeOf(await api.send("POST", "/token/refresh"))).toEqual([400, "refresh_token_missing"]);
  });

  test("A33: GET /token/revoke ends the session of the cookies and clears them", async () => {
    const { email } = await registered();
    const jar = new CookieJar();
    const { access_token } = await api.take("POST", "/login", { body: { email, password: PASSWORD }, jar });
    const revoked = await api.send("GET", "/token/revoke", { jar, headers: OWN_PAGE });
    expect([revoked.status, revoked.body, jar.names]).toEqual([200, {}, []]);
    expect(revoked.headers.getSetCookie().every((cookie) => cookie.includes("Max-Age=0"))).toBe(true);
    expect(codeOf(await user(access_token))).toEqual([401, "unauthorized"]);
    expect((await api.send("GET", "/token/revoke")).status).toBe(200);
  });

  test("A33: POST /token/revoke takes a refresh token in its body", async () => {
    const { token, refreshToken } = await registered();
    await api.take("POST", "/token/revoke", { body: { refresh_token: refreshToken } });
    expect((await user(token)).status).toBe(401);
  });
});

describe("Email verification, SMS verification", () => {
  test("A34, A35: a mailed link verifies the address once, after the person pressed the button", async () => {
    const { email, token } = await registered();
    await api.take("POST", "/email/verify", { token, body: { email } });
    const link = api.linkTo(email);
    expect(new URL(link).pathname).toMatch(/^\/service_authentication\/email\/verify\/[0-9a-f]{64}$/);
    for (const headers of [HTML, { accept: "*/*" }]) {
      const page = await api.send("GET", link, { headers });
      expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
      expect(page.text).toContain('<form method="post"><button>Confirm</button></form>');
    }
    const done = await api.send("POST", link, { headers: FORM, body: "" });
    expect([done.status, done.text]).toEqual([200, expect.stringContaining("Your address is confirmed")]);
    const again = await api.send("GET", link);
    expect(codeOf(again)).toEqual([404, "verification_not_found"]);
    const failed = await api.send("POST", link, { headers: FORM, body: "" });
    expect([failed.status, failed.text]).toEqual([404, expect.stringContaining("Ask for another one.")]);
  });

  test("A35: a browser that is signed in keeps its session and the password, and a link without it drops both", async () => {
    const jar = new CookieJar();
    const [own, other] = [await registered(), await registered()];
    await api.take("POST", "/login", { body: { email: own.email, password: PASSWORD }, jar });
    for (const { email, token } of [own, other])
      await api.take("POST", "/email/verify", { token, body: { email } });
    const wrong = await api.send("POST", api.linkTo(own.email), { headers: FORM, body: "", token: "x" });
    expect([wrong.status, wrong.text]).toEqual([401, expect.stringContaining("it still works")]);
    const done = await api.send("POST", api.linkTo(own.email), { headers: FORM, body: "", jar });
    expect([done.status, (await login(own.email)).status]).toEqual([200, 200]);
    expect((await api.send("GET", "/user", { jar, headers: OWN_PAGE })).status).toBe(200);
    await api.send("POST", api.linkTo(other.email), { headers: FORM, body: "" });
    expect([(await user(other.token)).status, (await login(other.email)).status]).toEqual([401, 401]);
  });

  test("A35: a program that asks for JSON verifies with GET", async () => {
    const { email, token } = await registered();
    await api.take("POST", "/email/verify", { token, body: { email } });
    const { identifier } = await api.take("GET", api.linkTo(email));
    expect(identifier).toMatchObject({ identifier_value: email, verified_at: expect.any(String) });
  });

  test("A03: a code by SMS verifies a phone number", async () => {
    const { token } = await withRoles();
    const phone = "+6591230003";
    const { nonce } = await api.take("POST", "/email/verify", { token, body: { phone } });
    const body = { nonce, code: api.codeTo(phone) };
    const { identifier } = await api.take("POST", "/email/verify", { body });
    expect(identifier).toMatchObject({ identifier_type: "phone", identifier_value: phone });
  });

  test("the pages load no resources, can't be framed or cached, and send no referrer", async () => {
    const token = "0".repeat(64);
    for (const path of ["/login/magic", "/email/verify", "/password/reset"]) {
      const { headers, text } = await api.send("GET", `${path}/${token}`, { headers: HTML });
      expect(headers.get("content-security-policy")).toMatch(
        /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
      );
      expect([headers.get("referrer-policy"), headers.get("cache-control")]).toEqual([
        "no-referrer",
        "no-store",
      ]);
      expect(headers.get("x-frame-options")).toBe("DENY");
      expect(text).not.toMatch(/<script|src=|[0-9a-f]{64}/);
    }
  });
});

describe("Magic links", () => {
  test("A30, A31: a link signs a browser in with cookies, once, after the person pressed the button", async () => {
    const email = next();
    const sent = await api.take("POST", "/login/magic", { body: { email } });
    expect(Object.keys(sent).sort()).toEqual(["expires_at", "resend_at"]);
    const link = api.linkTo(email);
    const page = await api.send("GET", link, { headers: HTML });
    expect([page.status, page.headers.getSetCookie()]).toEqual([200, []]);
    const jar = new CookieJar();
    const done = await api.send("POST", link, { headers: FORM, body: "setCookie=true", jar });
    expect([done.status, jar.names]).toEqual([200, COOKIES]);
    expect(done.text).toContain(`<a href="${ORIGIN}/" rel="noreferrer">Go on</a>`);
    expect((await api.send("GET", "/user", { jar, headers: OWN_PAGE })).body.email).toBe(email);
    expect((await api.send("POST", link, { headers: FORM, body: "setCookie=true" })).status).toBe(404);
  });

  test("A31: a program that asks for JSON gets the tokens of the link", async () => {
    const email = next();
    await api.take("POST", "/login/magic", { body: { email } });
    const tokens = await api.take("GET", `${api.linkTo(email)}&setCookie=false`);
    expect(tokens).toMatchObject({ amr: ["link"], refresh_token: expect.any(String) });
  });

  test("A31: another site can't sign a person in with its own link, and the link still works (login CSRF)", async () => {
    const email = next();
    await api.take("POST", "/login/magic", { body: { email } });
    const link = api.linkTo(email);
    for (const headers of [
      { ...FORM, "sec-fetch-site": "cross-site", origin: "https://evil.example" },
      { ...FORM, "sec-fetch-site": "cross-site" },
    ])
      expect((await api.send("POST", link, { headers, body: "setCookie=true" })).status).toBeOneOf([
        400, 403,
      ]);
    const crossSite = { "sec-fetch-site": "cross-site" };
    expect((await api.send("GET", link, { headers: crossSite })).status).toBe(403);
    expect((await api.send("POST", link, { headers: FORM, body: "setCookie=true" })).status).toBe(200);
  });
});

describe("OTPs", () => {
  test("A39, A40: a code by SMS and one by mail sign a person in, once", async () => {
    const phone = "+6591230039";
    const email = next();
    for (const person of [{ phone }, { email }]) {
      const { nonce } = await api.take("POST", "/otp/send", { body: person });
      const code = "phone" in person ? api.codeTo(phone) : digitsIn(mailsTo(email).at(-1)?.text ?? "");
      const body = { nonce, code, setCookie: false };
      const tokens = await api.take("POST", "/otp/verify", { body });
      expect(tokens).toMatchObject({ user_created: true, amr: ["otp"], refresh_token: expect.any(String) });
      expect(codeOf(await api.send("POST", "/otp/verify", { body }))).toEqual([
        404,
        "verification_not_found",
      ]);
    }
  });
});

describe("Rate limiting", () => {
  test("A10: an address gets one message a minute, and Retry-After says when the next", async () => {
    await using limited = await startTestStack();
    const rest = await ServiceAuthentication.of(limited);
    const body = { email: next() };
    await rest.take("POST", "/login/magic", { body });
    const refused = await rest.send("POST", "/login/magic", { body });
    expect(codeOf(refused)).toEqual([429, "rate_limited"]);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  });
});

describe("CAPTCHA", () => {
  test("A11: a client with a CAPTCHA needs its token to send a code", async () => {
    const sample = withSampleClients(app).clients.find(({ id }) => id === api.clientId) as Client;
    const captcha = {
      provider: "turnstile",
      hostnames: ["localhost"],
      requiredFor: ["send_otp"],
    } as const;
    const clients = [...app.clients, { ...sample, captcha }];
    await using guarded = await startTestStack({ app: { ...app, clients } });
    const rest = await ServiceAuthentication.of(guarded);
    const body = { email: next() };
    expect(codeOf(await rest.send("POST", "/otp/send", { body }))).toEqual([400, "captcha_required"]);
    const widget = { provider: "turnstile", hostname: "localhost", action: "send_otp" };
    const made = await guarded.ask("POST", "/dev/captcha/tokens", widget);
    await rest.take("POST", "/otp/send", { body: { ...body, captcha_token: made.body.token } });
  });
});

describe("Password reset", () => {
  test("A24, A25, A26: a mailed link sets a new password once, and ends every session", async () => {
    const { email, token } = await registered();
    await api.take("POST", "/password/forgot", { body: { email } });
    const link = api.linkTo(email);
    for (const _time of [1, 2])
      expect(await api.take("GET", link)).toMatchObject({ valid: true, purpose: "reset_password" });
    const body = { password: "another password 2" };
    expect((await api.take("POST", link, { body })).sessions_revoked).toBeGreaterThan(0);
    expect((await user(token)).status).toBe(401);
    expect((await login(email)).status).toBe(401);
    expect((await api.send("POST", "/login", { body: { email, ...body } })).status).toBe(200);
    expect(codeOf(await api.send("GET", link))).toEqual([404, "verification_not_found"]);
    expect(codeOf(await api.send("POST", link, { body }))).toEqual([404, "verification_not_found"]);
  });

  test("A26: a browser sets the password in the page behind the link", async () => {
    const { email } = await registered();
    await api.take("POST", "/password/forgot", { body: { email } });
    const page = await api.send("GET", api.linkTo(email), { headers: HTML });
    expect(page.text).toContain('<input id="password" name="password" type="password"');
    const short = await api.send("POST", api.linkTo(email), { headers: FORM, body: "password=x" });
    expect([short.status, short.text]).toEqual([400, expect.stringContaining("The password is too short")]);
    const done = await api.send("POST", api.linkTo(email), {
      headers: FORM,
      body: "password=new+passphrase",
    });
    expect(done.text).toContain("Your password is changed");
    expect((await api.send("POST", "/login", { body: { email, password: "new passphrase" } })).status).toBe(
      200,
    );
  });

  test("A24: an unknown address gets the same answer, and a mail without a link", async () => {
    const email = next();
    const known = await registered();
    const answers = [
      await api.take("POST", "/password/forgot", { body: { email } }),
      await api.take("POST", "/password/forgot", { body: { email: known.email } }),
    ];
    expect(answers.map((answer) => Object.keys(answer))).toEqual([["expires_at"], ["expires_at"]]);
    expect(() => api.linkTo(email)).toThrow("no link");
  });
});

describe("Users, roles and caps", () => {
  test("A45, A46: a user reads themself, and nobody else", async () => {
    const [own, other] = [await registered(), await registered()];
    expect((await user(own.token)).body).toMatchObject({ id: own.id, email: own.email, roles: ["user"] });
    expect((await api.send("GET", `/user/${own.id}`, { token: own.token })).body.id).toBe(own.id);
    for (const id of [other.id, "user_madeup"])
      expect(codeOf(await api.send("GET", `/user/${id}`, { token: own.token }))).toEqual([
        403,
        "access_denied",
      ]);
    expect(codeOf(await api.send("GET", "/user"))).toEqual([401, "unauthorized"]);
    expect(codeOf(await api.send("GET", "/user?list", { token: own.token }))).toEqual([403, "access_denied"]);
  });

  test("A13, A45, A47, A48: an administrator lists, creates and disables users", async () => {
    const { token } = await withRoles("admin");
    const email = next();
    const body = { email, name: "Ada", metadata: { team: "x" }, options: { sendResetEmail: true } };
    const created = (await api.take("POST", "/user", { token, body })).user;
    expect(created).toMatchObject({ name: "Ada", metadata: { team: "x" } });
    await api.take("POST", api.linkTo(email), { body: { password: PASSWORD } });
    expect((await login(email)).status).toBe(200);
    const { items, next_cursor } = await api.take("GET", "/user?list=1&limit=1", { token });
    expect([items.length, typeof next_cursor]).toEqual([1, "string"]);
    const change = { status: "disabled", name: "Grace" };
    const changed = await api.take("PUT", `/user/${created.id}`, { token, body: change });
    expect(changed.user).toMatchObject(change);
    expect(codeOf(await login(email))).toEqual([401, "invalid_credentials"]);
    expect(codeOf(await api.send("POST", "/user", { token, body }))).toEqual([409, "identifier_taken"]);
  });

  test("A48: a user changes the own name, and not the own status", async () => {
    const { token, id } = await registered();
    expect((await api.take("PUT", `/user/${id}`, { token, body: { name: "Ada" } })).user.name).toBe("Ada");
    const disable = await api.send("PUT", `/user/${id}`, { token, body: { status: "disabled" } });
    expect(disable.status).toBe(403);
  });
});

describe("Webhooks", () => {
  test("A50, A51, A52, A53: an administrator creates, lists, changes and deletes a webhook", async () => {
    const { token } = await withRoles("admin");
    const { body: status } = await stack.ask("GET", "/dev/status");
    const url = `http://${new URL(status.urls.page).host}/dev/webhooks/receiver`;
    const body = { url, events: ["user.created"], description: "Mine" };
    const created = await api.take("POST", "/webhooks", { token, body });
    expect(created).toMatchObject({
      webhook: { url, description: "Mine" },
      secret: expect.stringMatching(/^whsec_/),
    });
    const { id } = created.webhook;
    const listed = await api.take("GET", "/webhooks", { token });
    expect(listed.items).toEqual([created.webhook]);
    const changed = await api.take("PUT", `/webhooks/${id}`, { token, body: { enabled: false } });
    expect(changed.webhook).toMatchObject({ id, enabled: false, events: ["user.created"] });
    await api.take("DELETE", `/webhooks/${id}`, { token });
    expect(codeOf(await api.send("DELETE", "/webhooks/webhook_madeup", { token }))).toEqual([
      404,
      "webhook_not_found",
    ]);
    expect(codeOf(await api.send("GET", "/webhooks", { token: (await registered()).token }))).toEqual([
      403,
      "access_denied",
    ]);
    const inside = { url: "https://127.0.0.1/", events: ["*"] };
    expect(codeOf(await api.send("POST", "/webhooks", { token, body: inside }))).toEqual([
      400,
      "webhook_url_not_allowed",
    ]);
  });
});

describe("Audit trail", () => {
  test("A54: an administrator reads the rows of a user, and users read their own only", async () => {
    const { token } = await withRoles("admin");
    const { id, token: own } = await registered();
    await stack.ask("POST", "/dev/jobs/move_events");
    const rows = await api.take("GET", `/audit/logs?user_id=${id}&action=user.created&limit=5`, { token });
    expect(rows.items).toHaveLength(1);
    expect((await api.take("GET", "/audit/logs", { token: own })).items.length).toBeGreaterThan(0);
    const other = await api.send("GET", `/audit/logs?user_id=${(await registered()).id}`, { token: own });
    expect(codeOf(other)).toEqual([403, "access_denied"]);
  });
});

describe("errors, CORS and the choice of the client", () => {
  test("errors have Nest's code and a message, also for unknown paths and other HTTP methods", async () => {
    const cases: [verb: string, path: string, body: string | undefined, status: number, code: string][] = [
      ["GET", "/nothing", undefined, 404, "not_found"],
      ["GET", "/login", undefined, 405, "method_not_supported"],
      ["PATCH", "/user/x", "{}", 405, "method_not_supported"],
      ["POST", "/login", "{oops", 400, "malformed_json"],
      ["POST", "/login", "{}", 400, "validation_failed"],
      ["POST", "/email/verify", "{oops", 400, "malformed_json"],
      ["POST", "/login", undefined, 400, "body_missing"],
    ];
    for (const [verb, path, body, status, code] of cases) {
      const answer = await api.send(verb, path, { body });
      expect([answer.status, answer.body.code], path).toEqual([status, code]);
      expect(answer.body.message).toMatch(/^[A-Z][^{}<>]+\.$/);
    }
  });

  test("pages of the client may call it with credentials, and other pages may not", async () => {
    const ask = (origin: string) =>
      api.send("OPTIONS", "/webhooks/x", { headers: { origin, "access-control-request-method": "PUT" } });
    const own = await ask(ORIGIN);
    expect([own.status, own.headers.get("access-control-allow-methods")]).toEqual([204, "PUT, DELETE"]);
    expect(own.headers.get("access-control-allow-credentials")).toBe("true");
    const other = await ask("https://evil.example");
    expect(other.headers.get("access-control-allow-origin")).toBeNull();
  });

  test("the header x-client-id names the client, and an unknown one is refused", async () => {
    const { email } = await registered();
    const body = { email, password: PASSWORD };
    const ask = (id: string) => api.send("POST", "/login", { body, headers: { "x-client-id": id } });
    expect((await ask(api.clientId)).status).toBe(200);
    expect((await ask("client_sample_web")).body.code).toBe("client_not_found");
  });
});
