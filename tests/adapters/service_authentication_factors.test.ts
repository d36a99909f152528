import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { digitsIn } from "#tests/support/codes.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { appCode } from "#tests/support/mfa.ts";
import {
  CookieJar,
  OWN_PAGE,
  type RestReply,
  ServiceAuthentication,
} from "#tests/support/service_authentication.ts";

const PASSWORD = "password123";
const PAGE = "http://localhost:5174/";
const NAVIGATION = { accept: "text/html", "sec-fetch-site": "cross-site" };

let stack: TestStack;
let api: ServiceAuthentication;
let people = 0;
const next = () => `second${++people}@example.com`;

beforeAll(async () => {
  stack = await startTestStack({ settings: { LIMIT_CODES_PER_IDENTIFIER: "0" } });
  api = await ServiceAuthentication.of(stack);
});
afterAll(() => stack[Symbol.asyncDispose]());

const codeOf = ({ status, body }: RestReply) => [status, body?.code];
const post = (path: string, body: object, token?: string) =>
  api.send("POST", path, { body, ...(token !== undefined && { token }) });

/** A user with a verified address and a password, signed in. */
async function verified() {
  const email = next();
  const { access_token: token, user_id: id } = await api.register(email, {}, PASSWORD);
  const { nonce } = await api.take("POST", "/email/verify", { token, body: { email } });
  expect(nonce).toEqual(expect.any(String));
  await api.take("POST", api.linkTo(email), { token, body: {} });
  return { email, token: token as string, id: id as string };
}

const login = (email: string) => post("/login", { email, password: PASSWORD, options: { setCookie: false } });

describe("MFA (authenticator apps)", () => {
  test("A42, A43, A44: an app is added, completes a sign-in, and is removed", async () => {
    const { email, token } = await verified();
    const refused = await post("/authenticator/setup", {}, token);
    expect([refused.status, refused.body]).toMatchObject([
      409,
      { code: "mfa_confirmation_required", message: expect.stringContaining("no longer sign you in") },
    ]);
    const made = await api.take("POST", "/authenticator/setup", { token, body: { confirm: true } });
    expect(made).toMatchObject({
      secret: expect.stringMatching(/^[A-Z2-7]{32}$/),
      otpauth_uri: expect.stringMatching(/^otpauth:\/\/totp\//),
      qr_code: expect.stringMatching(/^data:image\/png;base64,/),
    });
    const { factor_id } = made;
    const digits = (steps: number) => appCode(made.secret, new Date(), steps);
    expect(codeOf(await post("/authenticator/verify", { factor_id, code: "000000" }, token))).toEqual([
      401,
      "mfa_failed",
    ]);
    const added = await api.take("POST", "/authenticator/verify", {
      token,
      body: { factor_id, code: digits(-1) },
    });
    expect(added.recovery_codes).toHaveLength(10);

    const asked = await login(email);
    expect([asked.status, asked.body.code, asked.body.message]).toEqual([
      403,
      "mfa_required",
      expect.stringContaining("second factor"),
    ]);
    expect(JSON.stringify(asked.body)).not.toContain("access_token");
    const { mfa_token, factors } = asked.body.meta;
    expect(factors[0]).toMatchObject({ id: factor_id, factor_type: "totp" });
    const step = { mfa_token, factor_id, setCookie: false };
    expect(codeOf(await post("/authenticator/verify", { ...step, code: "000000" }))).toEqual([
      401,
      "mfa_failed",
    ]);
    const tokens = await api.take("POST", "/authenticator/verify", { body: { ...step, code: digits(0) } });
    expect(tokens.amr).toEqual(expect.arrayContaining(["pwd", "otp"]));

    const removed = await api.take("POST", "/mfa/remove", {
      token: tokens.access_token,
      body: { factor_id },
    });
    expect(removed.removed_at).toEqual(expect.any(String));
    expect((await login(email)).status).toBe(200);
  });

  test("A37: a recovery code takes the place of a factor, with cookies for a page", async () => {
    const { email, token } = await verified();
    const { factor_id, secret } = await api.take("POST", "/authenticator/setup", {
      token,
      body: { confirm: true },
    });
    const code = appCode(secret, new Date(), -1);
    const { recovery_codes } = await api.take("POST", "/authenticator/verify", {
      token,
      body: { factor_id, code },
    });
    const { mfa_token } = (await login(email)).body.meta;
    const jar = new CookieJar();
    const body = { mfa_token, recovery_code: recovery_codes[0] };
    const tokens = await api.take("POST", "/mfa/verify", { body, jar });
    expect([tokens.recovery_codes_left, tokens.refresh_token, jar.names.length]).toEqual([9, null, 2]);
  });

  test("A09: a magic link needs the second factor too, in a program and in a browser", async () => {
    const { email, token } = await verified();
    const { factor_id, secret } = await api.take("POST", "/authenticator/setup", {
      token,
      body: { confirm: true },
    });
    const code = appCode(secret, new Date(), -1);
    await api.take("POST", "/authenticator/verify", { token, body: { factor_id, code } });
    await api.take("POST", "/login/magic", { body: { email } });
    expect(codeOf(await api.send("GET", api.linkTo(email)))).toEqual([403, "mfa_required"]);
    await api.take("POST", "/login/magic", { body: { email } });
    const headers = { ...OWN_PAGE, accept: "text/html", "content-type": "application/x-www-form-urlencoded" };
    const page = await api.send("POST", api.linkTo(email), { headers, body: "setCookie=true" });
    expect([page.status, page.headers.getSetCookie()]).toEqual([403, []]);
    expect(page.text).toMatch(/<a href="http:\/\/localhost:5174\/\?error=mfa_required#mfa_token=/);
  });
});

describe("MFA (SMS-based)", () => {
  test("A36, A37, A38, A39, A40, A41: a number is added, completes a sign-in by SMS, and is removed", async () => {
    const { email, token } = await verified();
    const phone = "+6591230036";
    const made = await api.take("POST", "/mfa/setup", { token, body: { phone, confirm: true } });
    expect(Object.keys(made).sort()).toEqual(["expires_at", "factor_id", "hint"]);
    const { factor_id } = made;
    await api.take("POST", "/mfa/verify", { token, body: { factor_id, code: api.codeTo(phone) } });
    const { mfa_token } = (await login(email)).body.meta;
    const sent = await api.take("POST", "/otp/send", { body: { mfa_token, factor_id } });
    expect(sent.hint).toMatch(/036$/);
    const body = { mfa_token, factor_id, code: api.codeTo(phone), setCookie: false };
    const { access_token } = await api.take("POST", "/otp/verify", { body });
    await api.take("POST", "/otp/remove", { token: access_token, body: { factor_id } });
    expect((await login(email)).status).toBe(200);
  });

  test("A38: a session without a second factor removes none", async () => {
    const { token } = await verified();
    const phone = "+6591230038";
    const { factor_id } = await api.take("POST", "/mfa/setup", { token, body: { phone, confirm: true } });
    await api.take("POST", "/mfa/verify", { token, body: { factor_id, code: api.codeTo(phone) } });
    const removal = await post("/mfa/remove", { factor_id }, token);
    expect(removal.status).toBe(403);
    expect(codeOf(await post("/mfa/setup", { phone, confirm: true }))[0]).toBeGreaterThanOrEqual(401);
  });
});

test("answers 401 to a request without a credential, on every route that needs a caller", async () => {
  const factor = { factor_id: "mfa_factor_1", code: "123456" };
  for (const [verb, path, body] of [
    ["POST", "/mfa/setup", { phone: "+442079460000" }],
    ["POST", "/mfa/verify", factor],
    ["POST", "/mfa/remove", factor],
    ["POST", "/authenticator/setup", {}],
    ["GET", "/user/user_1", undefined],
    ["GET", "/audit/logs", undefined],
    ["GET", "/webhooks", undefined],
  ] as const)
    expect(codeOf(await api.send(verb, path, { ...(body && { body }) })), `${verb} ${path}`).toEqual([
      401,
      "unauthorized",
    ]);
});

describe("OAuth", () => {
  const person = (change: object = {}) => {
    people++;
    return { sub: `rest-${people}`, email: `provider${people}@example.com`, email_verified: true, ...change };
  };

  /** Goes to the provider and to Nest's callback as a browser. @returns where Nest sends it: the callback of the adapter */
  async function visit(who: ReturnType<typeof person>, jar: CookieJar, query = "", token?: string) {
    const begun = await api.send("GET", `/oauth/google${query}`, {
      jar,
      headers: NAVIGATION,
      ...(token !== undefined && { token }),
    });
    expect(begun.status).toBe(302);
    const answer = stack.oauth.visit(begun.headers.get("location") ?? "", who);
    const { pathname, search } = new URL(answer.url);
    const back = await fetch(`${stack.api.url}${pathname}${search}`, { redirect: "manual" });
    return back.headers.get("location") ?? "";
  }

  test("A07, A27, A28: a browser signs in at a provider, with cookies, and goes on to the client's page", async () => {
    const who = person();
    const jar = new CookieJar();
    const callback = await visit(who, jar);
    expect(jar.names).toEqual(["__Host-service_authentication_oauth"]);
    const done = await api.send("GET", callback, { jar, headers: NAVIGATION });
    expect([done.status, done.headers.get("location"), jar.names.length]).toEqual([302, PAGE, 2]);
    expect((await api.send("GET", "/user", { jar, headers: OWN_PAGE })).body.email).toBe(who.email);
    const again = await api.send("GET", callback, { jar, headers: NAVIGATION });
    expect(codeOf(await api.send("GET", callback, { jar }))).toEqual([404, "verification_not_found"]);
    expect(again.status).toBe(404);
  });

  test("A28: only the browser that began a visit ends it (login CSRF)", async () => {
    const [attacker, victim] = [new CookieJar(), new CookieJar()];
    const callback = await visit(person(), attacker);
    await api.send("GET", "/oauth/google", { jar: victim, headers: NAVIGATION });
    const tricked = await api.send("GET", callback, { jar: victim, headers: NAVIGATION });
    expect([tricked.status, tricked.headers.getSetCookie()]).toEqual([404, []]);
    expect((await api.send("GET", callback, { headers: NAVIGATION })).status).toBe(404);
    expect((await api.send("GET", callback, { jar: attacker, headers: NAVIGATION })).status).toBe(302);
  });

  test("A07, A09: an account at a provider does not replace the second factor, nor does a code by mail", async () => {
    const who = person();
    const jar = new CookieJar();
    const goBack = async () => api.send("GET", await visit(who, jar), { jar, headers: NAVIGATION });
    await goBack();
    const own = { jar, headers: OWN_PAGE };
    const { factor_id, secret } = await api.take("POST", "/authenticator/setup", {
      ...{ ...own, body: { confirm: true } },
    });
    const body = { factor_id, code: appCode(secret, new Date(), -1) };
    await api.take("POST", "/authenticator/verify", { ...own, body });
    const done = await goBack();
    expect([done.status, done.headers.get("location")]).toEqual([
      302,
      expect.stringMatching(/^http:\/\/localhost:5174\/\?error=mfa_required#mfa_token=/),
    ]);
    expect(done.headers.getSetCookie()).toEqual([expect.stringMatching(/_oauth=;.*Max-Age=0/)]);
    const { nonce } = await api.take("POST", "/otp/send", { body: { email: who.email } });
    const mail = stack.ses.inbox.findLast(({ to }) => to === who.email);
    const refused = await post("/otp/verify", { nonce, code: digitsIn(mail?.text ?? ""), setCookie: false });
    expect(codeOf(refused)).toEqual([403, "mfa_required"]);
    expect(refused.text).not.toContain("access_token");
  });

  test("A27: a program gets the URL as JSON, and an unknown provider is refused", async () => {
    const jar = new CookieJar();
    const { authorization_url } = await api.take("GET", "/oauth/github", { jar });
    expect(new URL(authorization_url).searchParams.get("state")).toMatch(/^[0-9a-f]{64}$/);
    expect(codeOf(await api.send("GET", "/oauth/madeup"))[0]).toBeGreaterThanOrEqual(400);
  });

  test("A28: a refusal at the provider reaches the client's page as an error", async () => {
    const jar = new CookieJar();
    const { authorization_url } = await api.take("GET", "/oauth/google", { jar });
    const answer = stack.oauth.visit(authorization_url, person(), "denied");
    const { pathname, search } = new URL(answer.url);
    const back = await fetch(`${stack.api.url}${pathname}${search}`, { redirect: "manual" });
    const done = await api.send("GET", back.headers.get("location") ?? "", { jar, headers: NAVIGATION });
    expect([done.status, done.headers.get("location")]).toEqual([302, `${PAGE}?error=access_denied`]);
  });

  test("A08, A29: a signed-in user links an account, and signs in with it", async () => {
    const { token, id } = await verified();
    const who = person({ email: undefined });
    const jar = new CookieJar();
    const callback = await visit(who, jar, "?intent=link", token);
    const done = await api.send("GET", callback, { jar, headers: NAVIGATION });
    const page = new URL(done.headers.get("location") ?? "");
    expect([done.status, page.origin + page.pathname, page.searchParams.get("provider")]).toEqual([
      302,
      PAGE,
      "google",
    ]);
    const body = { provider: "google", code: page.searchParams.get("code") };
    expect(codeOf(await api.send("POST", "/oauth/link", { jar, body }))).toEqual([401, "unauthorized"]);
    expect(codeOf(await api.send("POST", "/oauth/link", { token, body }))).toEqual([
      404,
      "verification_not_found",
    ]);
    const { oauth_identity } = await api.take("POST", "/oauth/link", { token, jar, body });
    expect([oauth_identity.provider, jar.names]).toEqual(["google", []]);
    const second = new CookieJar();
    await api.send("GET", await visit(who, second), { jar: second, headers: NAVIGATION });
    expect((await api.send("GET", "/user", { jar: second, headers: OWN_PAGE })).body.id).toBe(id);
  });
});

test("a code that was mailed for a sign-in does not activate a second factor", async () => {
  const { email, token } = await verified();
  const { factor_id } = await api.take("POST", "/mfa/setup", {
    token,
    body: { phone: "+6591230099", confirm: true },
  });
  await api.take("POST", "/otp/send", { body: { email } });
  const mail = stack.ses.inbox.findLast(({ to }) => to === email);
  const body = { factor_id, code: digitsIn(mail?.text ?? "") };
  expect(codeOf(await post("/otp/verify", body, token))).toEqual([401, "mfa_failed"]);
});
