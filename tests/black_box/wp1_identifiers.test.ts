import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hashSecret } from "#core/secrets.ts";
import { answerOf, asUser, callerOf, type StackCaller } from "#tests/support/black_box.ts";
import { digitsIn, wrongCode } from "#tests/support/codes.ts";
import { type StackAnswer, startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { exchange, linkRequest, REDIRECT, V2 } from "#tests/support/nest.ts";
import { P1, P2 } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";

let stack: TestStack;
let api: StackCaller;
beforeAll(async () => {
  // Limits use the real time, and these tests repeat themselves from one network.
  const off = ["CODES_PER_IDENTIFIER", "VERIFICATION_FAILURES_PER_NETWORK", "LINKS_PER_NETWORK"];
  const settings = Object.fromEntries(off.map((name) => [`LIMIT_${name}`, "0"]));
  stack = await startTestStack({ settings });
  api = await callerOf(stack);
});
afterAll(() => stack[Symbol.asyncDispose]());

const NOT_FOUND = [404, "verification_not_found"];

describe("WP1.7: a code of a password reset", () => {
  /** Requests a reset. @returns nonce, code, and a redemption of a code */
  async function sentReset(identifier_value: string) {
    const client_id = api.clients.simple;
    expect((await api.register(identifier_value, P1)).status).toBe(200);
    const asked = { client_id, identifier_type: "email", identifier_value, redirect_uri: REDIRECT };
    const { nonce } = (await api.call("send_password_reset", asked)).body;
    const code = digitsIn(api.mailTo(identifier_value).text.replace(/https:\S+/, ""));
    const redeem = (presented: string) =>
      api.call("reset_password", { client_id, nonce, code: presented, password: P2 });
    return { nonce: String(nonce), code, redeem };
  }

  test("WP1.7: is refused with 404 after five wrong codes", async () => {
    const { code, redeem } = await sentReset("five@x.test");
    for (let tries = 0; tries < 5; tries++)
      expect(answerOf(await redeem(wrongCode(code)))).toEqual(NOT_FOUND);
    expect(answerOf(await redeem(code))).toEqual(NOT_FOUND);
    expect((await api.signInWith("five@x.test", P1)).status).toBe(200);
  });

  test("WP1.7: is refused after 50 wrong codes at once, of which five were compared", async () => {
    const { nonce, code, redeem } = await sentReset("fifty@x.test");
    const replies = await Promise.all(Array.from({ length: 50 }, () => redeem(wrongCode(code))));
    for (const reply of replies) expect([404, 429]).toContain(reply.status);
    expect([404, 429]).toContain((await redeem(code)).status);
    const stored = await stack.database.collection("verifications").findOne({ nonceHash: hashSecret(nonce) });
    expect(stored).toMatchObject({ attempts: 5, usedAt: null });
  });
});

test("WP1.8: create_password_reset needs the internal key, returns the secrets, and mails nothing", async () => {
  const identifier_value = "made@x.test";
  await api.register(identifier_value, P1);
  const asked = { client_id: api.clients.simple, identifier_type: "email", identifier_value };
  const sent = stack.ses.inbox.length;
  // The convention of Nest for a missing credential.
  expect(answerOf(await api.call("create_password_reset", asked))).toEqual([403, "access_denied"]);
  const { status, body } = await api.call("create_password_reset", asked, api.internal);
  expect([status, Object.keys(body).sort()]).toEqual([200, ["code", "expires_at", "nonce", "token"]]);
  expect(stack.ses.inbox).toHaveLength(sent);
  const unknown = { ...asked, identifier_value: "nobody@x.test" };
  expect(answerOf(await api.call("create_password_reset", unknown, api.internal))).toEqual([
    ...[404, "user_not_found"],
  ]);
  const reset = { client_id: asked.client_id, token: body.token, password: P2 };
  expect((await api.call("reset_password", reset)).status).toBe(200);
  expect((await api.signInWith(identifier_value, P2)).status).toBe(200);
});

test("WP1.10: a fresh session adds a number, the old address gets a notice, and the last identifier stays", async () => {
  const address = "adds@x.test";
  const client_id = api.clients.native;
  const number = { client_id, identifier_type: "phone", identifier_value: "+6591230110" };
  const stale = await api.signIn(address);
  stack.pass(11 * 60);
  const refused = await api.call("send_verification", number, asUser(stale));
  expect(answerOf(refused)).toEqual([403, "reauthentication_required"]);

  const fresh = asUser(await api.signIn(address));
  const sent = await api.call("send_verification", number, fresh);
  expect(sent.status).toBe(200);
  const sms = stack.sns.inbox.at(-1);
  expect(sms?.to).toBe("+6591230110");
  const code = digitsIn(sms?.text ?? "");
  const verified = await api.call("verify_identifier", { client_id, nonce: sent.body.nonce, code });
  expect(verified.body.identifier).toMatchObject({
    ...{ id: sent.body.identifier_id, identifier_value: "+6591230110", verified_at: expect.any(String) },
  });
  const notice = api.mailTo(address);
  expect(`${notice.subject} ${notice.text}`).toMatch(/added/);
  expect(notice.text).not.toContain(code);

  const { identifiers } = (await api.call("get_user", {}, fresh)).body;
  const [mail, phone] = ["email", "phone"].map(
    (type) => identifiers.find((one: { identifier_type: string }) => one.identifier_type === type).id,
  );
  const remove = (identifier_id: string) => api.call("remove_identifier", { identifier_id }, fresh);
  expect((await remove(phone)).status).toBe(200);
  expect(answerOf(await remove(mail))).toEqual([409, "last_sign_in_method"]);
});

test("WP1.11: a magic link of one's own words needs the internal key, a place for the link and a listed sender", async () => {
  const address = "own.words@x.test";
  const html_body = '<p>Welcome to Acme.</p><p><a href="[link]">Come in</a></p>';
  const email = { from_email: "hello@acme.example", from_name: "Acme", subject: "Your way in", html_body };
  const ask = (change: object, headers: Record<string, string> = api.internal) =>
    api.call(
      "send_magic_link",
      linkRequest({
        ...{ client_id: api.clients.native, identifier_value: address, state: "plain-state" },
        email: { ...email, ...change },
      }),
      headers,
    );
  expect((await ask({}, {})).status).toBe(403);
  expect(answerOf(await ask({ html_body: "<p>No link</p>" }))).toEqual([400, "link_placeholder_missing"]);
  expect(answerOf(await ask({ from_email: "eve@evil.example" }))).toEqual([403, "sender_not_allowed"]);
  expect((await ask({})).status).toBe(200);
  const mail = api.mailTo(address);
  expect(mail.subject).toBe("Your way in");
  expect(mail.from).toContain("hello@acme.example");
  const link = new URL(/https:\S+/.exec(mail.text)?.[0] ?? "");
  expect(link.searchParams.get("code")).toContain("authzcode_");
  expect(link.searchParams.get("state")).toBe("plain-state");
  expect(decodeURIComponent(link.href)).not.toContain("own.words");
});

test("WP1.12: a magic link drops the password and the session of a stranger who registered the address", async () => {
  const address = "v@x.test";
  const stranger = (await api.register(address, P1)).body;
  const client_id = api.clients.native;
  expect(
    (await api.call("send_magic_link", linkRequest({ client_id, identifier_value: address }))).status,
  ).toBe(200);
  const link = new URL(/https:\S+/.exec(api.mailTo(address).text)?.[0] ?? "");
  const code = link.searchParams.get("code") ?? "";
  const owner = await api.call("authenticate_user", { ...exchange(code), client_id });
  expect(owner).toMatchObject({ status: 200, body: { user_id: stranger.user_id } });
  expect(answerOf(await api.signInWith(address, P1))).toEqual([401, "invalid_credentials"]);
  expect((await api.call("get_user", {}, asUser(stranger))).status).toBe(401);
  expect((await api.call("get_user", {}, asUser(owner.body))).status).toBe(200);
});

describe("WP1.13: the methods of 2021-10-06", () => {
  /** Their responses of 2026-12-01 have shapes of their own. */
  const CHANGED = [
    "send_magic_link",
    "get_user",
    "list_sessions",
    "revoke_session",
    "get_subscription_status",
  ];
  const UNKNOWN_TOKEN = `01.reftok_000000C2kdCzNlbL1BqR5FeMatItU.${"0".repeat(64)}`;
  type Request = readonly [body: object, headers?: Record<string, string>];

  /** Requests of each method, in order. @param version names the person, so that both dates begin with the same state */
  const requestsOf = async (version: string): Promise<Record<string, readonly Request[]>> => {
    const address = `inherits${version}@x.test`;
    const client_id = api.clients.native;
    const user = await api.signIn(address);
    const own = { user_id: user.user_id };
    const other = await api.signIn(address);
    const device = { platform: "mac", beak_id: address, fingerprint: address };
    return {
      get_marketing_consent: [[own, asUser(user)], [own], [{}, asUser(user)]],
      set_marketing_consent: [
        [{ ...own, level: "general" }, asUser(user)],
        [{ ...own, level: "everything" }, asUser(user)],
      ],
      list_news_items: [[{ client_id }], [{ client_id: "client_none" }]],
      enrol_alpha_user: [[{ email: address }, api.internal], [{ email: address }]],
      create_trial_and_magic_link: [
        [linkRequest({ client_id, identifier_value: address, device })],
        [linkRequest({ client_id, redirect_uri: "https://evil.example/" })],
        [{ client_id }],
      ],
      authenticate_user: [
        [{ client_id, grant_type: "refresh_token", refresh_token: UNKNOWN_TOKEN }],
        [{ client_id, grant_type: "refresh_token" }],
        [{ ...exchange("authzcode_none"), client_id }],
        [{ client_id, grant_type: "refresh_token", refresh_token: user.refresh_token }],
      ],
      revoke_token: [
        [{ client_id, refresh_token: UNKNOWN_TOKEN }],
        [{ client_id, refresh_token: "x" }],
        [{ client_id, refresh_token: other.refresh_token }],
      ],
    };
  };

  /** What must be equal: ids, times and secrets of two people differ. */
  const shapeOf = ({ status, body }: StackAnswer) =>
    status < 300 && body !== undefined && !Array.isArray(body)
      ? { status, fields: Object.entries(body).map(([name, value]) => [name, typeof value]) }
      : { status, body };

  test("WP1.13: answer the same at 2026-12-01, and those of 2026-12-01 are unknown at 2021-10-06", async () => {
    const { paths } = (await stack.ask("GET", "/openapi.json")).body;
    const older = Object.keys(paths).flatMap((path) => (path.startsWith(V2) ? [path.slice(V2.length)] : []));
    const [before, after] = [await requestsOf("2021"), await requestsOf("2026")];
    expect(Object.keys(before).sort()).toEqual(older.filter((name) => !CHANGED.includes(name)).sort());
    for (const [method, requests] of Object.entries(before))
      for (const [index, [body, headers = {}]] of requests.entries()) {
        const [newerBody = {}, newerHeaders = {}] = after[method]?.[index] ?? [];
        const old = shapeOf(await stack.ask("POST", `${V2}${method}`, body, headers));
        const now = shapeOf(await stack.ask("POST", `${V3}${method}`, newerBody, newerHeaders));
        const what = `${method} ${JSON.stringify(body)}`;
        expect(now.status, what).toBe(old.status);
        // A response of 2026-12-01 may have more fields.
        if (old.fields) expect(now, what).toMatchObject({ fields: expect.arrayContaining(old.fields) });
        else expect(now, what).toEqual(old);
      }
    const unknown = await stack.ask("POST", `${V2}no_such_method`, {});
    for (const method of ["register_user", "send_verification"]) {
      const { status, body } = await stack.ask("POST", `${V2}${method}`, {});
      expect([status, body.code]).toEqual([unknown.status, unknown.body.code]);
    }
  });
});
