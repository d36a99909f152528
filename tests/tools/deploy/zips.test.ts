import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import app from "#app";
import { ADAPTERS } from "#core/app/app.ts";
import { publicHalves } from "#core/keys/signing_keys.ts";
import type { Result } from "#entry/answer.ts";
import { digitsIn } from "#tests/support/codes.ts";
import { email, tokenIn } from "#tests/support/identifiers.ts";
import { appCode } from "#tests/support/mfa.ts";
import {
  CHALLENGE,
  codeIn,
  exchange,
  linkRequest,
  MAC,
  NATIVE,
  NOWHERE,
  PRICE_ID,
  PRODUCT_ID,
  pkcePair,
  startNest,
  type TestNest,
  V1,
  V2,
} from "#tests/support/nest.ts";
import { newPerson, REDEEM_FIELDS, startBody } from "#tests/support/oauth.ts";
import { Authenticator } from "#tests/support/passkeys.ts";
import { givePassword, P1 } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";
import { startSsmDouble } from "#tests/support/ssm_double.ts";
import { writeSettings } from "#tests/support/stage.ts";
import { disownToken } from "#tests/support/user_codes.ts";
import { recordedEvent, unpack, ZippedFunctions } from "#tests/support/zipped_functions.ts";
import { bundle } from "#tools/deploy/bundle.ts";
import { ADD_ON, readAddOn } from "#tools/deploy/native_add_ons.ts";
import { serverless } from "#tools/deploy/serverless.ts";
import { zipFunction } from "#tools/deploy/zip.ts";
import { ADAPTER_CLIENT_IDS, withSampleClients } from "#tools/local/sample_clients.ts";
import { listFunctions } from "#tools/stage/functions.ts";

const CODE_FUNCTIONS = {
  "send_otp-2026-12-01": true,
  "authenticate_user-2026-12-01": true,
  "create_mfa_challenge-2026-12-01": true,
  "create_mfa_factor-2026-12-01": true,
  "verify_mfa_factor-2026-12-01": true,
  "create_passkey_challenge-2026-12-01": true,
  beep: true,
  service_authentication: true,
  static_backend: true,
};
/** Functions that ask OAuth providers, for which a double stands in on this stage only. */
const OAUTH_FUNCTIONS = ["start_oauth-2026-12-01", "oauth_callback"];
/** Functions that send to receivers on this machine, which only this stage allows. */
const WEBHOOK_FUNCTIONS = ["create_webhook-2026-12-01", "update_webhook-2026-12-01", "deliver_webhooks"];

let folder: string;
let environments: Map<string, Record<string, string>>;
/** Lambda's name of the Node that runs every function. */
let runtime: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nest-zips-"));
  const functions = await listFunctions();
  // An adapter needs a client that lists it.
  const sources = Object.fromEntries(functions.map(({ name, source }) => [name, source]));
  const { bundles } = await bundle(sources, { app: withSampleClients(app), hasMaps: false });
  const addOn = { [ADD_ON]: await readAddOn("here") };
  for (const { name, code, usesAddOn } of bundles)
    await unpack(zipFunction(code, usesAddOn ? addOn : {}), join(folder, name));
  const settings = await writeSettings(folder, {
    adapters: [...ADAPTERS],
    variables: {
      ISSUER: "https://nest.test",
      STRIPE_PRICE_ID: PRICE_ID,
      STRIPE_PRODUCT_IDS: PRODUCT_ID,
    },
  });
  const printed = await serverless(["print", "--format=json"], { stage: "nonprod", settings });
  const resolved = JSON.parse(printed.slice(printed.indexOf("{"))) as {
    provider: { runtime: string };
    functions: Record<string, { environment: Record<string, string | null> }>;
  };
  runtime = resolved.provider.runtime;
  environments = new Map(
    Object.entries(resolved.functions).map(([name, { environment }]) => [
      name,
      Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== null)) as Record<
        string,
        string
      >,
    ]),
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("an unpacked zip can't reach any node_modules", () => {
  for (let at = folder; at !== dirname(at); at = dirname(at)) {
    expect(existsSync(join(at, "node_modules"))).toBe(false);
  }
});

test("the Node of this project, which runs the zips below, is that of Lambda", () => {
  expect(runtime).toBe(`nodejs${process.versions.node.split(".")[0]}.x`);
});

describe("each zip, unpacked by itself, with its own variables only", () => {
  let nest: TestNest;
  let ssm: Awaited<ReturnType<typeof startSsmDouble>>;
  let zips: ZippedFunctions;
  let tokens: { access_token: string; refresh_token: string; user_id: string };
  const bearer = () => ({ authorization: `bearer ${tokens.access_token}` });
  const own = () => ({ user_id: tokens.user_id });

  beforeAll(async () => {
    nest = await startNest();
    const values = {
      ...nest.environment,
      SIGNING_KEYS_PUBLIC: JSON.stringify(publicHalves(nest.secrets.signingKeys)),
    };
    ssm = await startSsmDouble(
      Object.fromEntries(Object.entries(values).map(([name, value]) => [`/nest/nonprod/${name}`, value])),
    );
    // Lambda's own variables, and the addresses of the doubles.
    const lambda = {
      AWS_REGION: "eu-west-2",
      AWS_ACCESS_KEY_ID: "ASIAEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "secret",
      AWS_SESSION_TOKEN: "session",
      AWS_ENDPOINT_URL_SSM: ssm.url,
      AWS_ENDPOINT_URL_SESV2: nest.ses.url,
      AWS_ENDPOINT_URL_SNS: nest.sns.url,
    };
    zips = new ZippedFunctions(
      folder,
      process.execPath,
      new Map(
        [...environments].map(([name, environment]) => [
          name,
          {
            ...environment,
            ...lambda,
            // The clients of the app take codes on this stage only.
            ...(name in CODE_FUNCTIONS ? { STAGE: "local" } : {}),
            ...(WEBHOOK_FUNCTIONS.includes(name) ? { STAGE: "local", WEBHOOK_ALLOW_HOSTS: NOWHERE } : {}),
            ...(OAUTH_FUNCTIONS.includes(name)
              ? { STAGE: "local", OAUTH_PROVIDERS_URL: nest.environment.OAUTH_PROVIDERS_URL }
              : {}),
            ...("STRIPE_SECRET_KEY_PARAMETER" in environment ? { STRIPE_URL: nest.stripe.url } : {}),
          },
        ]),
      ),
    );
  });
  afterAll(async () => {
    await zips.close();
    await ssm[Symbol.asyncDispose]();
    await nest.stop();
  });

  test("send_magic_link mails a link, and authenticate_user redeems and refreshes", async () => {
    expect(
      await zips.call("send_magic_link-2020-12-14", `${V1}send_magic_link`, linkRequest()),
    ).toMatchObject({
      status: 204,
    });
    const [mail] = nest.ses.inbox;
    expect(mail?.from).toBe("Beak App <no-reply@nonprod-getbeak.app>");
    const signedIn = await zips.call(
      "authenticate_user-2020-12-14",
      `${V1}authenticate_user`,
      exchange(mail ? codeIn(mail) : ""),
    );
    expect(signedIn.status).toBe(200);
    const refreshed = await zips.call("authenticate_user-2020-12-14", `${V1}authenticate_user`, {
      client_id: MAC,
      grant_type: "refresh_token",
      refresh_token: signedIn.body.refresh_token,
    });
    expect(refreshed.status).toBe(200);
    tokens = refreshed.body;
  });

  test("disown_session ends a session", async () => {
    const token = await disownToken(nest, "disowner@example.com");
    const asked = await zips.call("disown_session-2026-12-01", `${V3}disown_session`, { token });
    expect(asked).toMatchObject({ status: 200, body: { revoked_at: expect.any(String) } });
  });

  test("send_magic_link of 2026-12-01 mails a link", async () => {
    const asked = linkRequest({ identifier_value: "later@example.com" });
    const sent = await zips.call("send_magic_link-2026-12-01", `${V3}send_magic_link`, asked);
    expect(sent).toMatchObject({ status: 200, body: { nonce: expect.any(String) } });
    expect(nest.lastMail("later@example.com").text).toContain("authzcode_");
  });

  test("send_otp sends a code by SMS and by mail, and authenticate_user redeems it", async () => {
    for (const [identifier_type, identifier_value] of [
      ["phone", "+65 9123 4567"],
      ["email", "codes@example.com"],
    ]) {
      const body = { client_id: MAC, identifier_type, identifier_value };
      const sent = await zips.call("send_otp-2026-12-01", `${V3}send_otp`, body);
      expect(sent.status).toBe(200);
      const { text } = identifier_type === "phone" ? nest.lastSms("+6591234567") : nest.lastMail();
      const presented = { grant_type: "otp", nonce: sent.body.nonce, code: digitsIn(text) };
      expect(
        await zips.call("authenticate_user-2026-12-01", `${V3}authenticate_user`, {
          client_id: MAC,
          ...presented,
        }),
      ).toMatchObject({ status: 200, body: { user_created: true } });
    }
  });

  test("an access token allows the calls of its user", async () => {
    expect(await zips.call("get_user-2021-10-06", `${V2}get_user`, own(), bearer())).toMatchObject({
      status: 200,
      body: { id: tokens.user_id, identifiers: [{ identifier_value: "ada@example.com" }] },
    });
    const level = { ...own(), level: "general" };
    expect(
      await zips.call("set_marketing_consent-2020-12-14", `${V1}set_marketing_consent`, level, bearer()),
    ).toMatchObject({ status: 204 });
    expect(
      await zips.call("get_marketing_consent-2020-12-14", `${V1}get_marketing_consent`, own(), bearer()),
    ).toEqual({ status: 200, body: { level: "general" } });
    expect(
      await zips.call("list_news_items-2020-12-14", `${V1}list_news_items`, { client_id: MAC }, bearer()),
    ).toEqual({ status: 200, body: [] });
    expect(await zips.call("list_sessions-2021-10-06", `${V2}list_sessions`, own(), bearer())).toMatchObject({
      status: 200,
      body: [{ client_id: MAC, current: true }],
    });
    expect(await zips.call("get_user-2026-12-01", `${V3}get_user`, {}, bearer())).toMatchObject({
      status: 200,
      body: { id: tokens.user_id, email: "ada@example.com", role: 100, account_id: expect.any(String) },
    });
  });

  test("list_plans, create_checkout_session and change_plan sell a plan", async () => {
    const call = (method: string, body: object, headers = {}) =>
      zips.call(`${method}-2026-12-01`, `/1/2026-12-01/${method}`, body, headers);
    const listed = await call("list_plans", { client_id: MAC });
    expect(listed).toMatchObject({ status: 200, body: [{ id: "beak" }] });
    const urls = { success_url: "https://getbeak.app/", cancel_url: "https://getbeak.app/" };
    expect(await call("create_checkout_session", { plan: "beak", ...urls }, bearer())).toMatchObject({
      status: 200,
      body: { url: expect.stringContaining("http"), expires_at: expect.any(String) },
    });
    expect(await call("change_plan", { plan: "beak" }, bearer())).toMatchObject({
      body: { code: "checkout_required" },
    });
    expect(await call("get_subscription_status", own(), bearer())).toMatchObject({
      body: { code: "no_active_subscription" },
    });
  });

  test("an internal key allows calls of internal methods", async () => {
    const internal = { authorization: `internal ${nest.secrets.internalKey}` };
    expect(
      await zips.call("enrol_alpha_user-2020-12-14", `${V1}enrol_alpha_user`, { email: "a@b.c" }, internal),
    ).toEqual({ status: 410, body: { code: "deprecated" } });
  });

  test("create_trial_and_magic_link creates a trial, the webhook stores it, and both status methods return it", async () => {
    const device = { platform: "mac", beak_id: "b-1", fingerprint: "f-1" };
    const { verifier, challenge } = pkcePair();
    expect(challenge).not.toBe(CHALLENGE);
    const request = {
      ...linkRequest({ identifier_value: "trial@example.com", code_challenge: challenge }),
      device,
    };
    expect(
      await zips.call("create_trial_and_magic_link-2021-10-06", `${V2}create_trial_and_magic_link`, request),
    ).toMatchObject({ status: 204 });
    for (const event of nest.stripe.events()) {
      const { body, header } = nest.stripe.signedEvent(event);
      const call = await recordedEvent("POST /1/webhook/stripe", {
        headers: { "stripe-signature": header },
        body,
      });
      expect((await zips.invoke("stripe_webhook", call)) as Result).toMatchObject({
        statusCode: 200,
        body: '{"received":true}',
      });
    }
    const mails = nest.ses.inbox.filter(({ to }) => to === "trial@example.com");
    const link = mails.find(({ text }) => text.includes("flow=trial"));
    const redeemed = await zips.call("authenticate_user-2020-12-14", `${V1}authenticate_user`, {
      ...exchange(link ? codeIn(link) : ""),
      code_verifier: verifier,
    });
    const as = { authorization: `bearer ${redeemed.body.access_token}` };
    const who = { user_id: redeemed.body.user_id };
    expect(
      await zips.call("get_subscription_status-2021-10-06", `${V2}get_subscription_status`, who, as),
    ).toMatchObject({
      status: 200,
      body: {
        status: "trialing",
        billing_portal_url: expect.stringContaining("http"),
        entitlement: expect.any(String),
      },
    });
    expect(
      await zips.call("get_subscription_status-2020-12-14", `${V1}get_subscription_status`, {}, as),
    ).toMatchObject({ status: 204 });
  });

  test("ses_events stores a bounce", async () => {
    const event = {
      id: "17793124-05db-b198-2fde-7ededc63b103",
      "detail-type": "Email Bounced",
      source: "aws.ses",
      time: "2026-11-24T21:35:06Z",
      detail: {
        eventType: "Bounce",
        mail: { messageId: "m1", tags: { "ses:configuration-set": ["nest-nonprod"] } },
        bounce: { bounceType: "Permanent", bouncedRecipients: [{ emailAddress: "gone@example.com" }] },
      },
    };
    expect(await zips.invoke("ses_events", event)).toBeUndefined();
    expect(await nest.collection("mail-events").countDocuments()).toBe(1);
  });

  test("erase_deleted_users runs for the event of its schedule", async () => {
    const event = { job: "erase_deleted_users" };
    expect(await zips.invoke("erase_deleted_users", event)).toEqual({ done: 0, pending: 0, failed: 0 });
  });

  test("remove_unredeemed_trials runs for the event of its schedule", async () => {
    const event = { job: "remove_unredeemed_trials" };
    expect(await zips.invoke("remove_unredeemed_trials", event)).toEqual({
      done: 0,
      pending: 0,
      failed: 0,
    });
  });

  test("move_events moves every event for the event of its schedule", async () => {
    expect(await zips.invoke("move_events", { job: "move_events" })).toMatchObject({
      pending: 0,
      failed: 0,
    });
    expect(await nest.collection("sessions").countDocuments({ eventsDueAt: { $exists: true } })).toBe(0);
  });

  test("jwks publishes public keys only, and $default responds to unknown paths", async () => {
    const jwks = (await zips.invoke("jwks", await recordedEvent("GET /.well-known/jwks.json"))) as Result;
    const { keys } = JSON.parse(jwks.body ?? "{}");
    expect(keys).toHaveLength(2);
    expect(jwks.body).not.toContain('"d"');
    const named = await recordedEvent("GET /.well-known/oauth-authorization-server");
    const metadata = JSON.parse(((await zips.invoke("jwks", named)) as Result).body ?? "{}");
    expect(metadata).toMatchObject({ jwks_uri: `${metadata.issuer}/.well-known/jwks.json` });
    const ask = async (path: string) =>
      (await zips.invoke("unmatched", await recordedEvent("$default", { path, verb: "GET" }))) as Result;
    expect(await ask("/health")).toMatchObject({ statusCode: 200, body: '{"status":"ok"}' });
    expect(await ask("/nothing")).toMatchObject({ statusCode: 404, body: '{"code":"not_found"}' });
  });

  test("the session methods of 2026-12-01 list and end sessions", async () => {
    const call = (method: string, body: object) =>
      zips.call(`${method}-2026-12-01`, `${V3}${method}`, body, bearer());
    await nest.signIn("ada@example.com", { device: undefined });
    await nest.signIn("ada@example.com", { device: undefined });
    const listed = await call("list_sessions", {});
    expect(listed).toMatchObject({ status: 200, body: { next_cursor: null } });
    const [newest] = listed.body.items;
    expect(await call("revoke_session", { session_id: newest.id })).toMatchObject({
      status: 200,
      body: { revoked_at: expect.any(String) },
    });
    const others = listed.body.items.length - 2;
    expect(others).toBeGreaterThan(0);
    expect(await call("revoke_all_sessions", {})).toEqual({ status: 200, body: { revoked: others } });
  });

  test("update_user changes a name", async () => {
    const asked = { name: "Ada", locale: "en" };
    expect(await zips.call("update_user-2026-12-01", `${V3}update_user`, asked, bearer())).toMatchObject({
      status: 200,
      body: { user: { name: "Ada" } },
    });
  });

  test("the account methods add, change, list, invite and remove a member", async () => {
    const call = (method: string, body: object) =>
      zips.call(`${method}-2026-12-01`, `${V3}${method}`, body, bearer());
    const user = { identifier_type: "email", identifier_value: "member@example.com" };
    const added = await call("add_account_user", { ...user, password: P1 });
    expect(added).toMatchObject({ status: 200, body: { status: "active" } });
    const listed = await call("list_account_users", {});
    expect(listed.body.items.map(({ email }: { email: string }) => email)).toContain("member@example.com");
    const { user_id } = added.body;
    const statuses = [
      await call("set_account_user_role", { user_id, role_key: "admin" }),
      await call("add_account_user", { ...user, identifier_value: "invited@example.com" }),
      await call("create_account", { name: "Acme" }),
      await call("update_account", { name: "Acme" }),
      await call("get_account", {}),
      await call("list_accounts", {}),
    ].map(({ status }) => status);
    expect(statuses).toEqual(Array(6).fill(200));
    const unknown = await call("accept_account_invite", { client_id: NATIVE, token: "0".repeat(64) });
    expect(unknown).toMatchObject({ status: 404, body: { code: "verification_not_found" } });
    expect(await call("remove_account_user", { user_id })).toMatchObject({ status: 200 });
  });

  test("the role methods define a role, give it to a user and delete it", async () => {
    const internal = { authorization: `internal ${nest.secrets.internalKey}` };
    const call = async (method: string, body: object) =>
      (await zips.call(`${method}-2026-12-01`, `${V3}${method}`, body, internal)).status;
    const role = { scope: "platform", key: "desk" };
    const statuses = [
      await call("set_role", { ...role, name: "Desk", level: 10, capabilities: [] }),
      await call("list_users", { role: "user" }),
      await call("create_user", {
        ...{ client_id: MAC, identifier_type: "email", identifier_value: "created@example.com" },
        options: { verify_email: true },
      }),
      await call("list_roles", {}),
      await call("set_user_roles", { ...own(), roles: ["desk"] }),
      await call("set_user_roles", { ...own(), roles: [] }),
      await call("delete_role", role),
      await call("get_billing_history", own()),
      await call("get_sign_in_history", own()),
      await call("list_audit_logs", own()),
    ];
    expect(statuses).toEqual(Array(10).fill(200));
    expect(await call("delete_user", { user_id: "user_nobody" })).toBe(404);
  });

  test("the webhook methods create, test, change and delete a webhook, and deliver_webhooks sends", async () => {
    const internal = { authorization: `internal ${nest.secrets.internalKey}` };
    const call = async (method: string, body: object) => {
      const reply = await zips.call(`${method}-2026-12-01`, `${V3}${method}`, body, internal);
      expect([method, reply.status]).toEqual([method, 200]);
      return reply.body;
    };
    const { webhook } = await call("create_webhook", { url: `http://${NOWHERE}/`, events: ["*"] });
    const named = { webhook_id: webhook.id };
    await call("list_webhooks", {});
    await call("rotate_webhook_secret", named);
    const { delivery_id } = await call("send_test_webhook", named);
    const run = await zips.invoke("deliver_webhooks", { awslogs: { data: "" } });
    expect(run).toMatchObject({ done: 0, failed: 0 });
    const listed = await call("list_webhook_deliveries", named);
    expect(listed.items.at(-1).attempts[0]).toMatchObject({ error: "connection" });
    await call("retry_webhook_delivery", { delivery_id });
    await call("update_webhook", { ...named, enabled: false });
    await call("delete_webhook", named);
  }, 30_000);

  test("the methods of second factors add one, present it, replace the recovery codes and remove it", async () => {
    const call = async (method: string, body: object, bearer?: string) => {
      const headers: Record<string, string> =
        bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
      return (await zips.call(`${method}-2026-12-01`, `${V3}${method}`, body, headers)).body;
    };
    const address = "factors@example.com";
    await givePassword(nest, address);
    const present = (body: object) => call("authenticate_user", { client_id: NATIVE, ...body });
    const password = {
      grant_type: "password",
      identifier_type: "email",
      identifier_value: address,
      password: P1,
    };
    const { access_token } = await present(password);
    const created = await call("create_mfa_factor", { factor_type: "totp", confirm: true }, access_token);
    const code = (steps: number) => appCode(created.secret, nest.clock.now(), steps);
    const proof = { factor_id: created.factor_id, code: code(-1) };
    const verified = await call("verify_mfa_factor", proof, access_token);
    expect(verified.recovery_codes).toHaveLength(10);
    const { meta } = await present(password);
    const sent = { client_id: NATIVE, mfa_token: meta.mfa_token, factor_id: created.factor_id };
    expect((await call("send_mfa_code", sent)).code).toBe("factor_not_found");
    const factor = {
      grant_type: "mfa",
      mfa_token: meta.mfa_token,
      factor_id: created.factor_id,
      code: code(0),
    };
    const { access_token: bearer } = await present(factor);
    const listed = await call("list_mfa_factors", {}, bearer);
    expect(listed.items).toHaveLength(1);
    const opened = await call("create_mfa_challenge", { client_id: NATIVE }, bearer);
    expect(opened).toMatchObject({ factors: [{ factor_type: "totp" }] });
    const replaced = await call("regenerate_recovery_codes", {}, bearer);
    expect(replaced.recovery_codes).toHaveLength(10);
    const removed = await call("remove_mfa_factor", { factor_id: created.factor_id }, bearer);
    expect(removed.removed_at).toBeDefined();
    const added = await call("create_mfa_factor", { factor_type: "webauthn", confirm: true }, bearer);
    expect(added).toHaveProperty("passkey_options.challenge");
    const authenticator = new Authenticator();
    const credential = authenticator.create(added.passkey_options);
    const active = await call("verify_mfa_factor", { factor_id: added.factor_id, credential }, bearer);
    expect(active.factor.status).toBe("active");
    const { challenge_id, options } = await call("create_passkey_challenge", { client_id: NATIVE });
    const passkey = { challenge_id, credential: authenticator.get(options) };
    expect((await present({ grant_type: "webauthn", ...passkey })).amr).toEqual(["pop", "mfa"]);
  }, 30_000);

  test("the adapter beep signs in with a form in base64, as API Gateway sends it, and opens its core once", async () => {
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const ask = async (path: string, fields: Record<string, string>) => {
      const body = Buffer.from(new URLSearchParams(fields).toString()).toString("base64");
      const event = await recordedEvent("ANY /beep/{proxy+}", { path, verb: "POST", headers, body });
      const { statusCode, body: text } = (await zips.invoke("beep", {
        ...{ ...event, isBase64Encoded: true },
      })) as Result;
      expect([path, statusCode]).toEqual([path, 200]);
      return text ?? "";
    };
    const nonce = await ask("/beep/init", { phone_number: "6591234568" });
    const code = digitsIn(nest.lastSms("+6591234568").text);
    expect(await ask("/beep/verify", { nonce, code, clientid: "d" })).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
  });

  test("the adapter static_backend registers a user, and reads a query", async () => {
    const key = { "sb-public-key": ADAPTER_CLIENT_IDS.static_backend };
    const ask = async (verb: string, path: string, body?: object, rawQueryString = "") => {
      const url = { path: `/static_backend${path}`, verb, headers: key };
      const event = await recordedEvent("ANY /static_backend/{proxy+}", url);
      const sent = { ...event, rawQueryString, body: body && JSON.stringify(body) };
      return (await zips.invoke("static_backend", sent)) as Result;
    };
    const registered = await ask("POST", "/register", {
      email: "sb@example.com",
      password: "correct horse 852",
    });
    expect([registered.statusCode, registered.body]).toEqual([200, expect.stringMatching(/^"ey/)]);
    const query = `code=${"0".repeat(64)}&email=sb%2B1@example.com`;
    expect((await ask("GET", "/login/magic", undefined, query)).statusCode).toBe(401);
  });

  test("the adapter service_authentication shows a page, and refuses a wrong password", async () => {
    const ask = async (verb: string, path: string, accept: string, body?: object) => {
      const url = { path: `/service_authentication${path}`, verb, headers: { accept } };
      const event = await recordedEvent("ANY /service_authentication/{proxy+}", url);
      const sent = { ...event, rawQueryString: "", body: body && JSON.stringify(body) };
      return (await zips.invoke("service_authentication", sent)) as Result;
    };
    const page = await ask("GET", `/login/magic/${"0".repeat(64)}`, "text/html");
    expect([page.statusCode, page.body]).toEqual([200, expect.stringContaining("<form")]);
    const options = { setCookie: false };
    const login = { email: "rest@example.com", password: "correct horse 852", options };
    expect((await ask("POST", "/login", "application/json", login)).statusCode).toBe(401);
  });

  test("issue_token issues a token of a test", async () => {
    const internal = { authorization: `internal ${nest.secrets.internalKey}` };
    const asked = { client_id: MAC, ...own(), device: { device_id: "d" } };
    expect(await zips.call("issue_token-2026-12-01", `${V3}issue_token`, asked, internal)).toMatchObject({
      status: 200,
      body: { amr: ["test"] },
    });
  });

  test.each(["register_user", "send_password_reset", "create_password_reset", "reset_password"])(
    "%s refuses a client that may not ask for passwords",
    async (method) => {
      const who = { identifier_type: "email", identifier_value: "ada@example.com" };
      const bodies: Record<string, object> = {
        register_user: who,
        send_password_reset: { ...who, redirect_uri: "https://magic.getbeak.app/" },
        create_password_reset: who,
        reset_password: { token: "t", password: "p" },
      };
      const body = { client_id: MAC, ...bodies[method] };
      const internal = { authorization: `internal ${nest.secrets.internalKey}` };
      const headers = method === "create_password_reset" ? internal : {};
      expect(await zips.call(`${method}-2026-12-01`, `${V3}${method}`, body, headers)).toMatchObject({
        status: 403,
        body: { code: "grant_not_allowed" },
      });
    },
  );

  test("set_password refuses a client that may not ask for passwords", async () => {
    const body = { password: "correct horse battery staple 1" };
    const reply = await zips.call("set_password-2026-12-01", `${V3}set_password`, body, bearer());
    expect(reply).toMatchObject({ status: 403, body: { code: "grant_not_allowed" } });
  });

  test("the identifier methods add, prove, prefer and remove an address", async () => {
    const call = (method: string, body: object) =>
      zips.call(`${method}-2026-12-01`, `${V3}${method}`, body, bearer());
    const asked = { client_id: MAC, ...email("second@example.com"), delivery: "link" };
    const sent = await call("send_verification", asked);
    expect(sent).toMatchObject({ status: 200, body: { nonce: expect.any(String) } });
    const presented = { client_id: MAC, token: tokenIn(nest.lastMail("second@example.com").text) };
    expect(await call("check_verification", presented)).toMatchObject({
      status: 200,
      body: { valid: true },
    });
    expect(await call("verify_identifier", presented)).toMatchObject({ status: 200 });
    const { identifier_id } = sent.body;
    expect(await call("set_primary_identifier", { identifier_id })).toMatchObject({ status: 200 });
    expect(await call("remove_identifier", { identifier_id })).toMatchObject({ status: 200 });
  });

  test("the methods of OAuth providers and the callback sign in with an account, link another and remove it", async () => {
    const call = async (method: string, body: object, headers = {}) =>
      (await zips.call(`${method}-2026-12-01`, `${V3}${method}`, body, headers)).body;
    const visited = async (start: Record<string, unknown>, headers = {}) => {
      const { authorization_url } = await call("start_oauth", startBody(start), headers);
      const { url } = nest.oauth.visit(authorization_url, newPerson());
      const { pathname: path, search } = new URL(url);
      const route = "GET /1/oauth/{provider}/callback";
      const answer = await recordedEvent(route, { path, query: search.slice(1), verb: "GET" });
      const { headers: sent } = (await zips.invoke("oauth_callback", answer)) as Result;
      return new URL(String(sent?.location)).searchParams.get("code");
    };
    const { items } = await call("list_oauth_providers", { client_id: MAC });
    expect(items).toContainEqual({ provider: "google", name: "Google" });
    const code = { ...REDEEM_FIELDS, code: await visited({}) };
    const { access_token } = await call("authenticate_user", {
      ...code,
      grant_type: "authorization_code",
    });
    const signedIn = { authorization: `Bearer ${access_token}` };
    const other = {
      ...REDEEM_FIELDS,
      code: await visited({ intent: "link", provider: "github" }, signedIn),
    };
    const { oauth_identity } = await call("link_oauth", other, signedIn);
    expect((await call("list_oauth_identities", {}, signedIn)).items).toHaveLength(2);
    const named = { oauth_identity_id: oauth_identity.id };
    expect(await call("unlink_oauth", named, signedIn)).toHaveProperty("removed_at");
  }, 30_000);

  test("revoke_session and revoke_token sign out", async () => {
    const other = await nest.signIn("ada@example.com", { device: undefined });
    const listed = await zips.call("list_sessions-2021-10-06", `${V2}list_sessions`, own(), bearer());
    // The oldest first: earlier tests started others.
    const session = listed.body.findLast(({ current }: { current: boolean }) => !current);
    const named = { ...own(), session_id: session.id };
    expect(
      await zips.call("revoke_session-2021-10-06", `${V2}revoke_session`, named, bearer()),
    ).toMatchObject({ status: 204 });
    expect((await nest.refresh(other.refresh_token)).body.code).toBe("authorization_not_found");
    const formed = await nest.signIn("ada@example.com", { device: undefined });
    const form = new URLSearchParams({ client_id: MAC, token: formed.access_token }).toString();
    const posted = await recordedEvent("POST /1/oauth/revoke", {
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: form,
    });
    expect(await zips.invoke("oauth_revocation", posted)).toMatchObject({ statusCode: 200 });
    expect((await nest.refresh(formed.refresh_token)).body.code).toBe("authorization_not_found");
    const again = await nest.signIn("ada@example.com", { device: undefined });
    const asked = { client_id: MAC, refresh_token: again.refresh_token };
    expect(await zips.call("revoke_token-2026-12-01", `${V3}revoke_token`, asked)).toMatchObject({
      status: 204,
    });
    expect((await nest.refresh(again.refresh_token)).body.code).toBe("authorization_not_found");
    expect(
      await zips.call("revoke_token-2021-10-06", `${V2}revoke_token`, {
        client_id: MAC,
        refresh_token: tokens.refresh_token,
      }),
    ).toMatchObject({ status: 204 });
    expect(await zips.call("get_user-2021-10-06", `${V2}get_user`, own(), bearer())).toMatchObject({
      status: 401,
    });
  });

  test("every log line names its function", async () => {
    const lines = (await zips.printed()).split("\n").filter(Boolean);
    const named = new Set(lines.map((line) => (JSON.parse(line) as { function?: string }).function));
    expect(named).not.toContain(undefined);
    expect([...named]).toEqual(
      expect.arrayContaining(["stripe_webhook", "get_user-2021-10-06", "unmatched"]),
    );
  });

  test("every function was called, logged no secret and no email address, and read its secrets in one call", async () => {
    expect(zips.called).toEqual([...environments.keys()].sort());
    const printed = await zips.printed();
    for (const secret of [nest.secrets.internalKey, nest.secrets.refreshKey, nest.secrets.rateLimitKey])
      expect(printed).not.toContain(secret);
    expect(printed).not.toMatch(/function_not_opened|Warning|"level":"error"|@example\.com/);
    const withSecrets = [...environments.values()].filter((environment) =>
      Object.keys(environment).some((name) => name.endsWith("_PARAMETER")),
    );
    expect(ssm.asked).toHaveLength(withSecrets.length);
  });
});
