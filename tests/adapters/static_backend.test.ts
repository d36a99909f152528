import { createRemoteJWKSet, jwtVerify } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import app from "#app";
import type { Client } from "#core/app/app.ts";
import { clientWith } from "#tests/support/app.ts";
import { atOnce } from "#tests/support/concurrency.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { verifyOwnAddress } from "#tests/support/own_address.ts";
import { V3 } from "#tests/support/plans.ts";
import { StaticBackend, type StaticReply } from "#tests/support/static_backend.ts";
import { ADAPTER_CLIENT_IDS, withSampleClients } from "#tools/local/sample_clients.ts";

const ORIGIN = "http://localhost:5174";
const OTHER_KEY = "client_other_programs";
const OFF_KEY = "client_switched_off";

let stack: TestStack;
let backend: StaticBackend;
let people = 0;
const next = () => `person${++people}@example.com`;

beforeAll(async () => {
  const { clients } = withSampleClients(app);
  const sample = clients.find(({ id }) => id === ADAPTER_CLIENT_IDS.static_backend) as Client;
  const others = [
    { ...sample, id: OTHER_KEY },
    { ...sample, id: OFF_KEY, enabled: false },
    clientWith({ id: "client_without_adapter", grants: ["otp_link", "password"] }),
  ];
  stack = await startTestStack({ app: { ...app, clients: [...app.clients, sample, ...others] } });
  backend = await StaticBackend.of(stack);
});
afterAll(() => stack[Symbol.asyncDispose]());

const send: StaticBackend["send"] = (...sent) => backend.send(...sent);
const me = (token: string, key = backend.key) => send("GET", "/me", { token, key });

/** Every error is one plain sentence, which repeats nothing of the request. */
function expectRefused({ status, headers, text }: StaticReply, expected: number, sentence = /./): void {
  expect([status, headers.get("content-type"), text]).toEqual([
    expected,
    "text/plain; charset=utf-8",
    expect.stringMatching(sentence),
  ]);
  expect(text).toMatch(/^[^{}<>\n]+\.$/);
}

const LOGIN = /^The email address and the password do not sign anyone in\.$/;
const NO_CODE = /^The code is wrong, used or expired\.$/;

describe("registration and sign-in", () => {
  test("take an address of a body as it is, without the spaces around it", async () => {
    const email = next();
    const token = await backend.register(` ${email} `);
    expect(await backend.take("GET", "/me", { token })).toMatchObject({ email });
    const inner = { email: `a ${email}`, password: "devpw1234" };
    expectRefused(await send("POST", "/register", { body: inner }), 400, /^invalid email/);
  });

  test("answer a token of 12 hours that any library verifies (D3, P2)", async () => {
    const email = next();
    const registered = await backend.register(email);
    const { text } = await backend.login(email);
    const keys = createRemoteJWKSet(new URL(`${stack.api.url}/.well-known/jwks.json`));
    for (const token of [registered, JSON.parse(text)]) {
      const { payload } = await jwtVerify(token, keys, { issuer: stack.api.url });
      expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(43_200);
      expect(JSON.stringify(payload)).not.toContain(email);
    }
  });

  test("make a user with an account, in the role of its owner", async () => {
    const email = next();
    const user = await backend.take("GET", "/me", { token: await backend.register(email) });
    expect(user).toEqual({
      ...{ accountId: expect.stringMatching(/^account_/), userId: user.id, email, role: 50 },
      id: expect.stringMatching(/^user_/),
    });
  });

  test("take a form, an address in any case, and fields that they do not know", async () => {
    const email = next();
    const form = { "content-type": "application/x-www-form-urlencoded" };
    await backend.take("POST", "/register", { body: `email=${email}&password=userpw`, headers: form });
    const body = { email: email.toUpperCase(), password: "userpw", accountId: "x", role: 100 };
    const { token, role } = await backend
      .take("POST", "/login", { body })
      .then(async (token) => ({ token, role: (await backend.take("GET", "/me", { token })).role }));
    expect([typeof token, role]).toEqual(["string", 50]);
  });

  test("say which addresses are taken or malformed, with the words that programs look for (P3)", async () => {
    const email = next();
    await backend.register(email);
    const register = (address: string) =>
      send("POST", "/register", { body: { email: address, password: "userpw" } });
    expectRefused(await register(email), 409, /^invalid email/);
    expectRefused(await register(email.toUpperCase()), 409, /^invalid email/);
    for (const malformed of ["zzz", " a@b.c d", "@example.com"])
      expectRefused(await register(malformed), 400, /^invalid email/);
  });

  test("refuse short, missing and unreadable values with 400", async () => {
    for (const path of ["/register", "/login"])
      for (const body of [
        undefined,
        "",
        "{oops",
        "3",
        {},
        { email: next() },
        { email: "", password: "userpw" },
        { email: next(), password: "" },
      ])
        expectRefused(await send("POST", path, { body }), 400, /could not be read/);
    expectRefused(
      await send("POST", "/register", { body: { email: next(), password: "12345" } }),
      400,
      /password/,
    );
    expectRefused(await send("POST", "/register", { body: "x".repeat(70_000) }), 400, /too large/);
  });

  test("of 20 registrations of an address at once, one makes a user (F19)", async () => {
    const email = next();
    const replies = await atOnce(() => send("POST", "/register", { body: { email, password: "userpw" } }));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const reply of replies) if (reply.status !== 200) expectRefused(reply, 409, /^invalid email/);
    expect(await stack.database.collection("identifiers").countDocuments({ identifierValue: email })).toBe(1);
  });

  test("have one text for every reason, and a limit (F15, F16)", async () => {
    const [email, unknown] = [next(), next()];
    await backend.register(email);
    for (const address of [email, unknown, "zzz"])
      expectRefused(await backend.login(address, "wrong!"), 401, LOGIN);
    for (const address of [email, unknown]) {
      for (let tries = 1; tries < 10; tries++) await backend.login(address, "wrong!");
      const over = await backend.login(address);
      expectRefused(over, 429, /Too many/);
      expect(Number(over.headers.get("retry-after"))).toBeGreaterThan(0);
    }
  });

  test("ignore a bearer that is no session, which the Python program sends everywhere", async () => {
    const email = next();
    const body = { email, password: "userpw" };
    for (const token of [backend.rootToken, "junk"]) {
      const path = token === "junk" ? "/login" : "/register";
      expect(await backend.take("POST", path, { body, token })).toMatch(/^ey/);
    }
  });
});

describe("codes for new passwords", () => {
  test("have letters and digits, set a new password, and end every session (N4, P4 to P6, F4)", async () => {
    const email = next();
    const session = await backend.register(email);
    const code = await backend.take("GET", `/password/resetcode?e=${encodeURIComponent(email)}`, {
      token: backend.rootToken,
    });
    expect(code).toMatch(/^[A-Za-z0-9]{32,}$/);
    const reset = (sent: string, password = "newpw852", address = email.toUpperCase()) =>
      send("POST", "/password/reset", {
        body: { email: address, code: sent, password },
        token: backend.rootToken,
      });
    expectRefused(await reset(code, "newpw852", next()), 404, NO_CODE);
    expectRefused(await reset(code, "short"), 400, /password/);
    const done = await reset(code);
    expect([done.status, done.headers.get("content-type"), done.text]).toEqual([
      200,
      "application/json",
      "true",
    ]);
    expectRefused(await me(session), 401);
    expectRefused(await reset(code), 404, NO_CODE);
    expectRefused(await backend.login(email), 401, LOGIN);
    expect((await backend.login(email, "newpw852")).status).toBe(200);
    expect((await reset(await backend.resetCode(email), "userpw")).text).toBe("true");
    expect((await backend.login(email)).status).toBe(200);
  });

  test("are refused if they are wrong, empty, replaced or older than 30 minutes (F3, F5)", async () => {
    const email = next();
    await backend.register(email);
    const reset = (code: string) =>
      send("POST", "/password/reset", { body: { email, code, password: "newpw852" } });
    expectRefused(await reset(""), 400);
    expectRefused(await reset("1234"), 404, NO_CODE);
    const first = await backend.resetCode(email);
    const second = await backend.resetCode(email);
    expectRefused(await reset(first), 404, NO_CODE);
    expectRefused(await reset(""), 400);
    stack.pass(30 * 60);
    expectRefused(await reset(second), 404, NO_CODE);
    expect((await backend.login(email)).status).toBe(200);
  });

  test("need the root token, and it does nothing else (F9)", async () => {
    const email = next();
    const token = await backend.register(email);
    const order = (sent: object) => send("POST", "/password/send", { body: { email }, ...sent });
    for (const sent of [
      {},
      { token },
      { token: "junk" },
      { headers: { cookie: `token=${backend.rootToken}` } },
    ]) {
      expectRefused(await order(sent), 401, /root token/);
      expectRefused(await send("GET", `/password/resetcode?e=${email}`, sent), 401, /root token/);
    }
    expectRefused(await me(backend.rootToken), 401, /session token/);
    const internal = { authorization: `internal ${backend.rootToken}` };
    for (const method of ["list_users", "issue_token", "get_user", "send_otp"])
      expect((await stack.ask("POST", `${V3}${method}`, {}, internal)).status).toBe(403);
  });

  test("tell the root token's holder about unknown and malformed addresses", async () => {
    const order = (email: string) =>
      send("POST", "/password/send", { body: { email }, token: backend.rootToken });
    expectRefused(await order(next()), 404, /^invalid email/);
    expectRefused(await order("zzz"), 400, /^invalid email/);
    expectRefused(await send("GET", "/password/resetcode", { token: backend.rootToken }), 400);
  });
});

describe("magic links", () => {
  const start = (email: string, change: object = {}) =>
    send("POST", "/login/magic", { body: { email, ...change } });

  test("sign in once, with either order of the query, and for 10 minutes (S2, F1, F2)", async () => {
    const email = "ada+1@example.com";
    const registered = await backend.take("GET", "/me", { token: await backend.register(email) });
    const {
      code,
      email: address,
      url,
    } = await backend.mailedLink(email, { body: "<p>without a placeholder</p>" });
    expect(url.href).toBe(`https://ourapp.com/magic-custom-url?code=${code}&email=ada%2B1%40example.com`);
    for (let tries = 0; tries < 10; tries++) {
      const wrong = tries.toString().repeat(64);
      expectRefused(await backend.exchange(wrong, address), 401, NO_CODE);
    }
    expectRefused(await backend.exchange("", address), 400);
    expectRefused(await backend.exchange(code, next()), 401, NO_CODE);
    // A program that does not escape the plus sign sends a space.
    const token = await backend.take("GET", `/login/magic?email=${email}&code=${code}`);
    expect((await backend.take("GET", "/me", { token })).id).toBe(registered.id);
    stack.pass(60);
    await stack.database.collection("sessions").updateMany({}, { $set: { acknowledgedGeneration: 1 } });
    expectRefused(await backend.exchange(code, address), 401, NO_CODE);
    const late = await backend.mailedLink(next());
    stack.pass(10 * 60);
    expectRefused(await backend.exchange(late.code, late.email), 401, NO_CODE);
  });

  test("work with the key for which they were requested only (F13)", async () => {
    const { code, email } = await backend.mailedLink(next());
    expectRefused(await backend.exchange(code, email, OTHER_KEY), 401, NO_CODE);
    expect((await backend.exchange(code, email)).status).toBe(200);
  });

  test("are answered with true for known and unknown addresses, and no code twice in a minute", async () => {
    const known = next();
    await backend.register(known);
    for (const email of [known, next()]) {
      const { status, text } = await start(email);
      expect([status, text]).toEqual([200, "true"]);
      expectRefused(await start(email), 429, /Too many/);
    }
    expectRefused(await start("zzz"), 400, /^invalid email/);
    expectRefused(await send("POST", "/login/magic", { body: {} }), 400);
  });

  const registered = {
    fromEmail: "my@app.com",
    fromName: "My app name",
    subject: "Your sign-in link for Our Awesome App",
    body: "<p>Hello there,</p><p>Click here to sign-in<br />[link]</p>",
    link: "https://ourapp.com/magic-custom-url",
  };

  test("mail a registered text, and the app's own in place of any other (F12)", async () => {
    await start(next(), registered);
    expect(stack.ses.inbox.at(-1)).toMatchObject({
      ...{ subject: registered.subject, from: "My app name <my@app.com>" },
      text: expect.stringMatching(/^Hello there,/),
    });
    for (const change of [
      { subject: "You have won" },
      { body: '<p>Click <a href="https://evil.example/">here</a> [link]</p>' },
      { fromEmail: "support@bank.example" },
    ]) {
      expect((await start(next(), { ...registered, ...change })).text).toBe("true");
      const mail = stack.ses.inbox.at(-1);
      expect(mail).toMatchObject({
        from: "Beak App <no-reply@getbeak.app>",
        subject: expect.stringContaining("Beak"),
      });
      expect(`${mail?.html}${mail?.subject}`).not.toMatch(/evil|won|bank|Hello there/);
    }
  });

  test("lead to the client's own pages only", async () => {
    const before = stack.ses.inbox.length;
    for (const link of ["https://evil.example/", `${registered.link}?next=1`])
      expectRefused(await start(next(), { link }), 400, /not a page of this client/);
    expect(stack.ses.inbox).toHaveLength(before);
  });

  test("have a text of one's own with an internal key, sanitized and from a listed address", async () => {
    const headers = { authorization: `internal ${stack.secrets.internalKey}` };
    const order = (change: object) =>
      send("POST", "/login/magic", { body: { ...registered, email: next(), ...change }, headers });
    const own = { subject: "Yours", body: "<h1>Hi</h1>[link]<script>x()</script>", fromName: "" };
    expect((await order(own)).text).toBe("true");
    const mail = stack.ses.inbox.at(-1);
    expect([mail?.subject, mail?.from]).toEqual(["Yours", "Beak App <my@app.com>"]);
    expect(mail?.html).toMatch(/<h1>Hi<\/h1>/);
    expect(mail?.html).not.toContain("script");
    expectRefused(await order({ body: "<p>Hello</p>" }), 400, /placeholder/);
    expectRefused(await order({ fromEmail: "eve@other.example" }), 403, /send from this address/);
    // The root token creates codes and sends no mail.
    const root = { authorization: `internal ${backend.rootToken}` };
    expectRefused(await send("POST", "/login/magic", { body: { email: next() }, headers: root }), 403);
  });

  test("answer 502 if the mail can't be sent", async () => {
    stack.ses.fault({ calls: 1, kind: "error" });
    expectRefused(await start(next()), 502, /could not be sent/);
  });
});

describe("GET /me", () => {
  test("shows a platform administrator as 100 (S1, N2)", async () => {
    const token = await backend.register("admin@dev.com", "devpw1234");
    const { id } = await backend.take("GET", "/me", { token });
    const own = { address: "admin@dev.com", headers: { authorization: `Bearer ${token}` } };
    await verifyOwnAddress(stack, { client_id: backend.key, ...own });
    const internal = { authorization: `internal ${stack.secrets.internalKey}` };
    await stack.ask("POST", `${V3}set_user_roles`, { user_id: id, roles: ["admin"] }, internal);
    expect(await backend.take("GET", "/me", { token })).toMatchObject({ email: "admin@dev.com", role: 100 });
  });

  test("takes sessions of its own key, for 12 hours, and no forged ones (F6, F8, F10)", async () => {
    const token = await backend.register(next());
    expectRefused(await me(token, OTHER_KEY), 401, /session token/);
    const [head, body = "", signature] = token.split(".");
    const claims = JSON.parse(Buffer.from(body, "base64url").toString());
    const forged = Buffer.from(JSON.stringify({ ...claims, exp: claims.exp + 1 })).toString("base64url");
    expectRefused(await me([head, forged, signature].join(".")), 401);
    for (const junk of ["", "junk", `${claims.sub}|secret`]) expectRefused(await me(junk), 401);
    expectRefused(await send("GET", "/me"), 401);
    expect((await me(token)).status).toBe(200);
    stack.pass(43_200);
    expectRefused(await me(token), 401);
  });

  test("refuses a disabled user's session and password", async () => {
    const email = next();
    const token = await backend.register(email);
    const { id } = await backend.take("GET", "/me", { token });
    const internal = { authorization: `internal ${stack.secrets.internalKey}` };
    await stack.ask("POST", `${V3}update_user`, { user_id: id, status: "disabled" }, internal);
    expectRefused(await me(token), 401);
    expectRefused(await backend.login(email), 401, LOGIN);
  });
});

describe("requests of no route", () => {
  test("without a known, enabled key of the adapter get one 401 for all (F17, F21)", async () => {
    const token = await backend.register(next());
    const keys = [null, "", "acme<script>", OFF_KEY, "client_without_adapter"];
    const replies = await Promise.all(keys.map((key) => send("GET", "/me", { token, key })));
    for (const reply of replies) expectRefused(reply, 401, /public key/);
    expect(new Set(replies.map(({ text }) => text)).size).toBe(1);
    const elsewhere = [`/me?sbpk=${backend.key}`, "/nothing"];
    for (const path of elsewhere) {
      const cookie = `pk=${backend.key}`;
      expectRefused(await send("GET", path, { token, key: null, headers: { cookie } }), 401, /public key/);
    }
  });

  test("get 404 for a path and 405 for an HTTP method (F18)", async () => {
    for (const path of ["/", "/nothing", "/me/", "/email?e=a@b.c", "/sudogettoken/x"])
      expectRefused(await send("GET", path), 404, /no such path/);
    for (const [verb, path, allow] of [
      ["PUT", "/register", "POST"],
      ["GET", "/login", "POST"],
      ["POST", "/me", "GET"],
      ["PUT", "/login/magic", "POST, GET"],
    ] as const) {
      const reply = await send(verb, path);
      expectRefused(reply, 405, /does not support/);
      expect(reply.headers.get("allow")).toBe(allow);
    }
  });

  test("get CORS for the client's pages, with the headers and HTTP methods of the JavaScript program", async () => {
    const ask = (verb: string, path: string, origin = ORIGIN) =>
      send(verb, path, { key: null, headers: { origin } });
    const { status, headers } = await ask("OPTIONS", "/login/magic");
    expect([status, headers.get("access-control-allow-origin")]).toEqual([204, ORIGIN]);
    expect(headers.get("access-control-allow-methods")).toBe("POST, GET");
    expect(headers.get("access-control-allow-headers")).toBe("authorization, content-type, sb-public-key");
    expect(headers.get("access-control-allow-credentials")).toBeNull();
    const failed = await ask("GET", "/me");
    expectRefused(failed, 401, /public key/);
    expect(failed.headers.get("access-control-allow-origin")).toBe(ORIGIN);
    const foreign = await ask("OPTIONS", "/me", "https://elsewhere.example");
    expect([...foreign.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
  });
});
