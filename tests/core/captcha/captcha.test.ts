import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  CAPTCHA_METHODS,
  CAPTCHA_PROVIDERS,
  type CaptchaProvider,
  type CaptchaSettings,
} from "#core/app/captcha_settings.ts";
import { Captcha } from "#core/captcha/captcha.ts";
import { appWithClients } from "#tests/support/app.ts";
import { askForCode } from "#tests/support/codes.ts";
import { MAC, startNest, type TestNest } from "#tests/support/nest.ts";
import { givePassword, P1, signInWith } from "#tests/support/passwords.ts";
import { type RecordedRequest, startRecordingServer } from "#tests/support/recording_server.ts";
import { askForLink } from "#tests/support/user_codes.ts";
import {
  type CaptchaFault,
  LOCAL_CAPTCHA_SECRET,
  type SiteverifyDouble,
  startSiteverifyDouble,
} from "#tools/local/siteverify_double.ts";

const HOSTNAME = "app.example";
const settingsOf = (provider: CaptchaProvider): CaptchaSettings => ({
  provider,
  hostnames: [HOSTNAME],
  requiredFor: CAPTCHA_METHODS,
});
const clientWith = (id: string, captcha: CaptchaSettings | null) => ({
  id,
  grants: ["otp" as const],
  phoneCountries: ["SG"],
  captcha,
});

let double: SiteverifyDouble;
let nest: TestNest;
let number = 91_234_567;
const newNumber = () => `+65${number++}`;
const verify = (provider: CaptchaProvider) =>
  double.issue({ provider, hostname: HOSTNAME, action: "send_otp" });
const ask = (provider: CaptchaProvider, captcha_token?: string, change = {}) =>
  askForCode(nest, {
    client_id: `client_${provider}`,
    identifier_value: newNumber(),
    captcha_token,
    ...change,
  });

beforeAll(async () => {
  double = await startSiteverifyDouble();
  const secrets = Object.fromEntries(
    CAPTCHA_PROVIDERS.map((name) => [`client_${name}`, LOCAL_CAPTCHA_SECRET]),
  );
  nest = await startNest({
    app: appWithClients(
      clientWith(MAC, null),
      ...CAPTCHA_PROVIDERS.map((provider) => clientWith(`client_${provider}`, settingsOf(provider))),
      clientWith("client_without_secret", settingsOf("turnstile")),
      clientWith("client_wrong_secret", { ...settingsOf("turnstile"), secretRef: "wrong" }),
      clientWith("client_for_links", { ...settingsOf("turnstile"), requiredFor: ["send_magic_link"] }),
      {
        ...clientWith("client_for_passwords", {
          ...settingsOf("turnstile"),
          requiredFor: ["authenticate_user"],
        }),
        grants: ["password" as const],
        firstParty: true,
      },
    ),
    environment: {
      CAPTCHA_VERIFY_URL: double.url,
      CAPTCHA_SECRETS: JSON.stringify({
        ...{ ...secrets, wrong: "another" },
        ...{ client_for_links: LOCAL_CAPTCHA_SECRET, client_for_passwords: LOCAL_CAPTCHA_SECRET },
      }),
    },
  });
});
afterAll(async () => {
  await nest.stop();
  await double.close();
});

describe.each(CAPTCHA_PROVIDERS)("a client with a CAPTCHA of %s", (provider) => {
  test("gets a code with a token of its page", async () => {
    expect(await ask(provider, verify(provider))).toMatchObject({ status: 200 });
  });

  test("must send a token", async () => {
    const expected = { status: 400, body: { code: "captcha_required", meta: { provider } } };
    expect(await ask(provider)).toMatchObject(expected);
    expect(await ask(provider, "")).toMatchObject(expected);
  });

  test("can't use a token twice, even for concurrent calls", async () => {
    const token = verify(provider);
    const statuses = await Promise.all(
      Array.from({ length: 5 }, async () => (await ask(provider, token)).status),
    );
    expect(statuses.sort()).toEqual([200, 400, 400, 400, 400]);
  });

  test.each<[CaptchaFault, string]>([
    ["refused", "token_refused"],
    ["wrong_hostname", "hostname"],
    ...(provider === "hcaptcha" ? [] : ([["wrong_action", "action"]] as [CaptchaFault, string][])),
    ...(provider === "recaptcha" ? ([["low_score", "score"]] as [CaptchaFault, string][]) : []),
  ])("fails if the vendor says %s, and nothing is counted or sent", async (kind, reason) => {
    const sent = nest.sns.inbox.length;
    const identifier_value = newNumber();
    double.fault({ calls: 1, kind });
    const reply = await ask(provider, verify(provider), { identifier_value });
    expect(reply).toMatchObject({ status: 400, body: { code: "captcha_failed" } });
    expect(nest.logged("call").at(-1)).toMatchObject({ code: "captcha_failed", reason });
    expect(nest.sns.inbox.length).toBe(sent);
    // A call that had counted would make this one wait for 60 s.
    expect(await ask(provider, verify(provider), { identifier_value })).toMatchObject({ status: 200 });
  });

  test.each<[CaptchaFault, string]>([
    ["down", "UnusableAnswer"],
    ["slow", "TimeoutError"],
  ])("is refused while the vendor is %s, and nothing is sent", async (kind, why) => {
    const sent = nest.sns.inbox.length;
    double.fault({ calls: 1, kind });
    const token = verify(provider);
    expect(await ask(provider, token)).toMatchObject({ status: 503, body: { code: "captcha_unavailable" } });
    expect(nest.logged("captcha_unavailable").at(-1)).toMatchObject({ provider, why });
    expect(nest.sns.inbox.length).toBe(sent);
    expect(nest.logLines.join("\n")).not.toContain(token);
  });
});

test("a token over 2048 characters fails without a request to the vendor", async () => {
  const before = double.requests();
  expect(await ask("turnstile", "x".repeat(2049))).toMatchObject({
    status: 400,
    body: { code: "captcha_failed" },
  });
  expect(double.requests()).toBe(before);
  expect(await ask("turnstile", "x".repeat(2048))).toMatchObject({ body: { code: "captcha_failed" } });
  expect(double.requests()).toBe(before + 1);
});

test.each([
  ["client_without_secret", "no_secret"],
  ["client_wrong_secret", "secret_refused"],
])("fails closed for %s", async (client_id, why) => {
  const reply = await ask("turnstile", verify("turnstile"), { client_id });
  expect(reply).toMatchObject({ status: 503, body: { code: "captcha_unavailable" } });
  expect(nest.logged("captcha_unavailable").at(-1)).toMatchObject({ client_id, why });
});

test.each([MAC, "client_for_links"])(
  "asks no vendor for a method that requires no CAPTCHA (%s)",
  async (client_id) => {
    const before = double.requests();
    expect(await ask("turnstile", "ignored", { client_id })).toMatchObject({ status: 200 });
    expect(await ask("turnstile", undefined, { client_id })).toMatchObject({ status: 200 });
    expect(double.requests()).toBe(before);
  },
);

describe("a client that requires a CAPTCHA for links", () => {
  const client = { client_id: "client_for_links" };
  const token = () => double.issue({ provider: "turnstile", hostname: HOSTNAME, action: "send_magic_link" });

  test("mails a link with a token only, and the token of another method does not count", async () => {
    const sent = nest.ses.inbox.length;
    expect((await askForLink(nest, client)).body.code).toBe("captcha_required");
    const ofAnother = { ...client, captcha_token: verify("turnstile") };
    expect((await askForLink(nest, ofAnother)).body.code).toBe("captcha_failed");
    expect(nest.ses.inbox.length).toBe(sent);
    expect((await askForLink(nest, { ...client, captcha_token: token() })).status).toBe(200);
    expect(nest.ses.inbox.length).toBe(sent + 1);
  });

  test("requires none of an internal caller, who has no page", async () => {
    const reply = await askForLink(nest, { ...client, email: { subject: "Hello" } }, { internal: true });
    expect(reply.status).toBe(200);
  });
});

describe("a client that requires a CAPTCHA for passwords", () => {
  const client = { client_id: "client_for_passwords" };
  const address = "ada.captcha@example.com";
  const signIn = (password: string, change = {}) =>
    signInWith(nest, address, password, { ...client, ...change });
  const token = () =>
    double.issue({ provider: "turnstile", hostname: HOSTNAME, action: "authenticate_user" });

  const failThrice = async (change = {}) => {
    for (let attempt = 0; attempt < 3; attempt++)
      expect((await signIn("wrong", change)).body.code).toBe("invalid_credentials");
  };

  test("asks no vendor before the fourth password, then compares and counts nothing without a token", async () => {
    await givePassword(nest, address);
    const userId = await nest.findUserId(address);
    const failures = async () => (await nest.collection("passwords").findOne({ userId }))?.failedCount ?? 0;
    const before = double.requests();
    await failThrice({ captcha_token: "ignored" });
    expect(double.requests()).toBe(before);
    // More than the ten failures after which passwords are refused for a time.
    for (let attempt = 0; attempt < 6; attempt++) {
      expect((await signIn(P1)).body.code).toBe("captcha_required");
      expect((await signIn("wrong", { captcha_token: "made up" })).body.code).toBe("captcha_failed");
    }
    double.fault({ calls: 1, kind: "down" });
    expect((await signIn(P1, { captcha_token: token() })).body.code).toBe("captcha_unavailable");
    expect(await failures()).toBe(3);
    const used = token();
    expect((await signIn("wrong", { captcha_token: used })).body.code).toBe("invalid_credentials");
    expect((await signIn(P1, { captcha_token: used })).body.code).toBe("captcha_failed");
    expect((await signIn(P1, { captcha_token: token() })).status).toBe(200);
  });

  test("starts again after a right password, and refreshes without a token", async () => {
    await failThrice();
    const { body } = await signIn(P1, { captcha_token: token() });
    expect((await nest.refresh(body.refresh_token, client)).status).toBe(200);
    expect((await signIn(P1)).status).toBe(200);
  });

  test("treats an unknown address the same, and counts the passwords of every network", async () => {
    const identifier_value = "nobody.captcha@example.com";
    const from = (ip: string) => signInWith(nest, identifier_value, P1, client, { ip });
    const codes = [];
    for (let last = 1; last <= 4; last++) codes.push((await from(`198.51.100.${last}`)).body.code);
    expect(codes).toEqual([...Array(3).fill("invalid_credentials"), "captcha_required"]);
  });

  test("compares three of 20 passwords that are presented at once without a token", async () => {
    const identifier_value = "raced.captcha@example.com";
    const replies = await Promise.all(
      Array.from({ length: 20 }, () => signInWith(nest, identifier_value, "wrong", client)),
    );
    const codes = replies.map(({ body }) => body.code);
    expect(codes.filter((code) => code === "invalid_credentials")).toHaveLength(3);
    expect(codes.filter((code) => code !== "invalid_credentials")).toHaveLength(17);
  });
});

describe("a request to siteverify", () => {
  const challenge = { settings: settingsOf("turnstile"), secretRef: "ref", action: "send_otp" };

  test("is one form with secret and token only, at the vendor's address", async () => {
    await using server = await startRecordingServer((response) =>
      response.end(JSON.stringify({ success: true, hostname: HOSTNAME, action: "send_otp" })),
    );
    const captcha = new Captcha({ ref: "s&cret" }, `${server.url}/siteverify`);
    expect(await captcha.verify("a token+", challenge)).toEqual({ outcome: "passed" });
    expect(server.requests).toHaveLength(1);
    const { method, path, headers, body } = server.requests[0] as RecordedRequest;
    expect([method, path]).toEqual(["POST", "/siteverify"]);
    expect(headers["content-type"]).toBe("application/x-www-form-urlencoded");
    expect(Object.fromEntries(new URLSearchParams(body))).toEqual({ secret: "s&cret", response: "a token+" });
  });

  test.each([
    ["a redirect", (url: string) => [302, { location: `${url}/elsewhere` }, ""] as const],
    ["HTML", () => [200, {}, "<html>"] as const],
    ["a list", () => [200, {}, "[]"] as const],
    ["an answer without an end", () => [200, {}, `{"success":true,"pad":"${"x".repeat(70_000)}"}`] as const],
  ])("fails closed for %s", async (_what, answerOf) => {
    await using server = await startRecordingServer((response) => {
      const [status, headers, body] = answerOf(server.url);
      response.writeHead(status, headers).end(body);
    });
    const captcha = new Captcha({ ref: "secret" }, server.url);
    expect(await captcha.verify("token", challenge)).toEqual({
      outcome: "unavailable",
      why: "UnusableAnswer",
    });
    expect(server.requests).toHaveLength(1);
  });

  test("fails closed if nothing listens, and when the call has no time left", async () => {
    const gone = new Captcha({ ref: "secret" }, "http://127.0.0.1:9");
    expect(await gone.verify("token", challenge)).toEqual({ outcome: "unavailable", why: "ECONNREFUSED" });
    const late = new Captcha({ ref: "secret" }, double.url).until(Date.now() - 1);
    expect(await late.verify("token", challenge)).toMatchObject({ outcome: "unavailable" });
  });
});
