import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { handler as sesEvents } from "#callbacks/ses_events.ts";
import { serveEvent } from "#entry/event.ts";
import { loadMethods } from "#routes.ts";
import {
  askForCode,
  digitsIn,
  redeemCode,
  redeemToken,
  sentCode,
  sentToken,
  wrongCode,
} from "#tests/support/codes.ts";
import { askToVerify, email, sentSecret, verify } from "#tests/support/identifiers.ts";
import { interceptIo } from "#tests/support/io_interceptor.ts";
import { lambdaContext } from "#tests/support/lambda_event.ts";
import { as as asUser, newMember, newOwner, userToAdd } from "#tests/support/members.ts";
import { appCode, createFactor, firstStep } from "#tests/support/mfa.ts";
import {
  codeIn,
  exchange,
  linkIn,
  linkRequest,
  MAC,
  NATIVE,
  NOWHERE,
  type Reply,
  SIMPLE,
  startNest,
  type TestNest,
  type Tokens,
  V1,
  V2,
} from "#tests/support/nest.ts";
import { codeToLink, linkAccount, REDEEM_FIELDS, startBody } from "#tests/support/oauth.ts";
import { enrolPasskey, openCeremony, redeemPasskey } from "#tests/support/passkeys.ts";
import {
  askForReset,
  givePassword,
  P1,
  P2,
  register,
  registerFirst,
  resetPassword,
  setPassword,
  signInWith,
} from "#tests/support/passwords.ts";
import { appWithPlans, startShop, V3 } from "#tests/support/plans.ts";
import { setRoles } from "#tests/support/roles.ts";
import { countTrips, warmConnections } from "#tests/support/trips.ts";
import { askForLink, disownToken } from "#tests/support/user_codes.ts";
import { addWebhook, sendTest } from "#tests/support/webhooks.ts";
import { withSampleClients } from "#tools/local/sample_clients.ts";

describe("database round trips of a warm call with every limit enabled", () => {
  let nest: TestNest;
  let ada: Tokens;
  const limits = Object.fromEntries(
    [
      "LINKS_PER_ADDRESS_AND_NETWORK",
      "LINKS_PER_ADDRESS",
      "LINKS_PER_KNOWN_DEVICE",
      "LINKS_PER_NETWORK",
      "TRIAL_REQUESTS_PER_NETWORK",
      "NEW_TRIALS_PER_NETWORK",
      "FAILURES_PER_NETWORK",
      "MAILS_PER_HOUR",
      "CODES_PER_IDENTIFIER",
      "SMS_PER_NUMBER_AND_NETWORK",
      "SMS_PER_NUMBER",
      "SMS_PER_RANGE",
      "SMS_PER_DAY",
      "CODE_FAILURES_PER_IDENTIFIER_AND_NETWORK",
      "CODE_FAILURES_PER_IDENTIFIER",
      "REGISTRATIONS_PER_NETWORK",
      "VERIFICATION_FAILURES_PER_NETWORK",
      "OAUTH_VISITS_PER_NETWORK",
      "PASSKEY_CHALLENGES_PER_NETWORK",
    ].map((name) => [`LIMIT_${name}`, "1000"]),
  );
  beforeAll(async () => {
    nest = await startShop({
      app: withSampleClients(appWithPlans),
      environment: { ...limits, WEBHOOK_ALLOW_HOSTS: NOWHERE },
    });
    ada = await nest.signIn();
    await warmConnections(nest.gateway.mongo.client, 16);
    await nest.call(`${V2}get_user`, { user_id: ada.user_id }, { bearer: ada.access_token });
  });
  afterAll(() => nest.stop());

  /** The methods whose trips were counted. */
  const counted = new Set<string>();
  const trips = async (work: () => Promise<{ status: number }>) => {
    let status = 0;
    const before = nest.logLines.length;
    const { sequential } = await countTrips(nest.gateway.mongo.client, async () => {
      ({ status } = await work());
    });
    expect(status).toBeLessThan(300);
    // The count in the log line of a deployed function.
    expect(JSON.parse(nest.logLines.at(-1) ?? "")).toMatchObject({ status, trips: sequential });
    for (const line of nest.logLines.slice(before)) {
      const { event, method, version } = JSON.parse(line);
      if (event === "call") counted.add(`${version}/${method}`);
    }
    return sequential;
  };
  const bearer = () => ({ bearer: ada.access_token });
  const own = () => ({ user_id: ada.user_id });

  /** The number of commands of some work. They determine its CPU time, as round trips determine its latency. */
  const commandsOf = async (work: () => Promise<unknown>) =>
    (await countTrips(nest.gateway.mongo.client, work)).commands.length;

  test("send_magic_link takes 2 round trips and 4 commands", async () => {
    const ask = () => nest.call(`${V1}send_magic_link`, linkRequest());
    expect(await trips(ask)).toBe(2);
    expect(await commandsOf(ask)).toBe(4);
  });

  test("send_magic_link gives known and unknown addresses the same response, headers and commands", async () => {
    const seen = [];
    for (const identifier_value of ["ada@example.com", "nobody@example.com"]) {
      let reply: Awaited<ReturnType<typeof nest.call>> | undefined;
      const { commands, sequential } = await countTrips(nest.gateway.mongo.client, async () => {
        const device = { platform: "mac", beak_id: "a stranger's", fingerprint: "f" };
        reply = await nest.call(`${V1}send_magic_link`, linkRequest({ identifier_value, device }));
      });
      const { "beak-time": _time, "request-id": _id, ...headers } = reply?.headers ?? {};
      seen.push({ status: reply?.status, raw: reply?.raw, headers, sequential, commands: commands.sort() });
    }
    expect(seen[1]).toEqual(seen[0]);
  });

  test("authenticate_user takes 3 with the code of a known user and 4 with the code of a new user", async () => {
    const known = await nest.emailedCode();
    expect(await trips(() => nest.redeem(known))).toBe(3);
    const fresh = await nest.emailedCode({ identifier_value: "new@example.com" });
    expect(await trips(() => nest.redeem(fresh))).toBe(4);
  });

  test("authenticate_user takes 9 commands for a known user, one more to remember a device, and 14 for a new user", async () => {
    const known = await nest.emailedCode();
    expect(await commandsOf(() => nest.redeem(known))).toBe(9);
    const device = { platform: "mac", beak_id: "a new device", fingerprint: "f" };
    const other = await nest.emailedCode({ device });
    expect(await commandsOf(() => nest.redeem(other))).toBe(10);
    const fresh = await nest.emailedCode({ identifier_value: "newest@example.com" });
    expect(await commandsOf(() => nest.redeem(fresh))).toBe(14);
  });

  test("authenticate_user with a refresh token takes 3 round trips and 5 commands in every generation", async () => {
    let { refresh_token } = await nest.signIn("refresh@example.com");
    for (let generation = 1; generation <= 3; generation++) {
      const used = refresh_token;
      let commands = 0;
      const sequential = await trips(async () => {
        let reply: Awaited<ReturnType<typeof nest.refresh>> | undefined;
        commands = await commandsOf(async () => {
          reply = await nest.refresh(used);
        });
        refresh_token = reply?.body.refresh_token;
        return { status: reply?.status ?? 0 };
      });
      expect([generation, sequential, commands]).toEqual([generation, 3, 5]);
    }
  });

  test("send_otp takes 3 round trips and 6 commands by mail, and 4 and 6 by SMS", async () => {
    const mail = { identifier_type: "email", identifier_value: "ada@example.com" };
    expect(await trips(() => askForCode(nest, mail))).toBe(3);
    expect(await commandsOf(() => askForCode(nest, mail))).toBe(6);
    expect(await trips(() => askForCode(nest))).toBe(4);
    expect(await commandsOf(() => askForCode(nest))).toBe(6);
  });

  test("authenticate_user takes 4 round trips with a code by SMS, of a new and of a known user", async () => {
    const fresh = await sentCode(nest, { identifier_value: "+6598765432" });
    expect(await trips(() => redeemCode(nest, fresh))).toBe(4);
    const known = await sentCode(nest, { identifier_value: "+6598765432" });
    expect(await trips(() => redeemCode(nest, known))).toBe(4);
    const counted = await sentCode(nest, { identifier_value: "+6598765432" });
    expect(await commandsOf(() => redeemCode(nest, counted))).toBe(11);
    const wrong = await sentCode(nest, { identifier_value: "+6598765432" });
    expect(await commandsOf(() => redeemCode(nest, { ...wrong, code: wrongCode(wrong.code) }))).toBe(4);
    expect(await commandsOf(() => redeemCode(nest, { ...wrong, nonce: "0".repeat(64) }))).toBe(2);
  });

  test("a link of send_otp takes as many as a code by mail, and its token 4 round trips and 9 commands", async () => {
    const mail = { client_id: NATIVE, identifier_type: "email", identifier_value: "ada@example.com" };
    expect(await trips(() => askForCode(nest, { ...mail, delivery: "link" }))).toBe(3);
    expect(await commandsOf(() => askForCode(nest, { ...mail, delivery: "link" }))).toBe(6);
    for (const address of ["new@example.com", "new@example.com"]) {
      const token = await sentToken(nest, address);
      expect(await trips(() => redeemToken(nest, token))).toBe(4);
    }
    const token = await sentToken(nest, "new@example.com");
    expect(await commandsOf(() => redeemToken(nest, token))).toBe(9);
    expect(await commandsOf(() => redeemToken(nest, "0".repeat(64)))).toBe(2);
  });

  test("issue_token takes 3 and sends 4 commands", async () => {
    const { user_id, client_id } = await nest.signIn("tested@example.com");
    const asked = { client_id, user_id, device: { device_id: "d" } };
    const issue = () => nest.call(`${V3}issue_token`, asked, { internal: true });
    expect(await trips(issue)).toBe(3);
    expect(await commandsOf(issue)).toBe(4);
  });

  test("disown_session takes 3 and sends 4 commands", async () => {
    const token = await disownToken(nest, "disowned@example.com");
    const other = await disownToken(nest, "disowned-too@example.com");
    const disown = (one: string) => nest.call(`${V3}disown_session`, { token: one });
    expect(await trips(() => disown(token))).toBe(3);
    expect(await commandsOf(() => disown(other))).toBe(4);
  });

  test("methods of identifiers take 4 trips to send, 1 to read, and 4 to 8 to write and to mail notices", async () => {
    const user = await nest.signIn("several@example.com");
    const bearer = user.access_token;
    await nest.call(`${V3}get_user`, {}, { bearer });
    const measured: [string, number, number][] = [];
    const measure = async (name: string, one: () => Promise<Reply>, other: () => Promise<Reply>) =>
      measured.push([name, await trips(one), await commandsOf(other)]);
    const ask = (address: string) => askToVerify(nest, user, email(address));
    await measure(
      "send_verification",
      () => ask("s1@example.com"),
      () => ask("s2@example.com"),
    );
    const [one, other] = [
      await sentSecret(nest, user, { ...email("s3@example.com"), delivery: "link" }),
      await sentSecret(nest, user, { ...email("s4@example.com"), delivery: "link" }),
    ];
    const check = (sent: typeof one) =>
      nest.call(`${V3}check_verification`, { client_id: MAC, ...sent.proof });
    await measure(
      "check_verification",
      () => check(one),
      () => check(other),
    );
    await measure(
      "verify_identifier",
      () => verify(nest, one.proof),
      () => verify(nest, other.proof),
    );
    const ids = [one.identifier_id, other.identifier_id];
    for (const method of ["set_primary_identifier", "remove_identifier"]) {
      const call = (identifier_id: string) => nest.call(`${V3}${method}`, { identifier_id }, { bearer });
      await measure(
        method,
        () => call(ids[0] ?? ""),
        () => call(ids[1] ?? ""),
      );
    }
    expect(measured).toEqual([
      ["send_verification", 4, 8],
      ["check_verification", 1, 1],
      ["verify_identifier", 7, 9],
      ["set_primary_identifier", 4, 6],
      ["remove_identifier", 6, 8],
    ]);
  });

  test("methods of OAuth providers take 0 to 2 round trips to list and to begin, and 6 to 7 to link and unlink", async () => {
    const { access_token: bearer } = await nest.signIn("linker@example.com");
    const call = (method: string, body: object) => () => nest.call(`${V3}${method}`, body, { bearer });
    const code = await codeToLink(nest, bearer);
    const oauth_identity_id = await linkAccount(nest, bearer);
    const taken = [
      ["list_oauth_providers", await trips(() => nest.call(`${V3}list_oauth_providers`, { client_id: MAC }))],
      ["start_oauth", await trips(() => nest.call(`${V3}start_oauth`, startBody()))],
      ["link_oauth", await trips(call("link_oauth", { ...REDEEM_FIELDS, code }))],
      ["list_oauth_identities", await trips(call("list_oauth_identities", {}))],
      ["unlink_oauth", await trips(call("unlink_oauth", { oauth_identity_id }))],
    ];
    expect(taken).toEqual([
      ["list_oauth_providers", 0],
      ["start_oauth", 2],
      ["link_oauth", 6],
      ["list_oauth_identities", 2],
      ["unlink_oauth", 7],
    ]);
  });

  test("send_magic_link of 2026-12-01 takes 2 round trips and 4 commands", async () => {
    expect(await trips(() => askForLink(nest))).toBe(2);
    expect(await commandsOf(() => askForLink(nest))).toBe(4);
  });

  test("register_user takes 4 round trips at once, and as many as send_otp if the address is proved first", async () => {
    expect(await trips(() => register(nest, { identifier_value: "r1@example.com" }))).toBe(4);
    expect(await commandsOf(() => register(nest, { identifier_value: "r2@example.com" }))).toBe(12);
    expect(await trips(() => registerFirst(nest, { identifier_value: "r3@example.com" }))).toBe(4);
  });

  test("register_user and send_password_reset give known and unknown addresses the same commands", async () => {
    await nest.signIn("known@example.com");
    for (const ask of [registerFirst, askForReset]) {
      const seen = [];
      for (const identifier_value of ["known@example.com", "nobody@example.com"]) {
        const { commands, sequential } = await countTrips(nest.gateway.mongo.client, () =>
          ask(nest, { identifier_value }),
        );
        seen.push({ sequential, commands: commands.sort() });
      }
      expect(seen[1]).toEqual(seen[0]);
    }
  });

  test("a reset takes 3 round trips to send, 2 to create, and 9 to set the password; 19 if it proves the address", async () => {
    const identifier_value = "r4@example.com";
    await register(nest, { identifier_value });
    expect(await trips(() => askForReset(nest, { identifier_value }))).toBe(3);
    const order = { client_id: SIMPLE, identifier_type: "email", identifier_value };
    let token = "";
    const create = async () => {
      const reply = await nest.call(`${V3}create_password_reset`, order, { internal: true });
      token = reply.body.token;
      return reply;
    };
    expect(await trips(create)).toBe(2);
    expect(await trips(() => resetPassword(nest, { token }))).toBe(19);
    await create();
    expect(await trips(() => resetPassword(nest, { token }))).toBe(9);
  });

  test("set_password takes 7 round trips and 11 commands, if it ends another session", async () => {
    await givePassword(nest, "r5@example.com");
    const signIn = async (password: string) => (await signInWith(nest, "r5@example.com", password)).body;
    const user = await signIn(P1);
    const back = { password: P1, current_password: P2 };
    await nest.call(`${V3}get_user`, {}, { bearer: user.access_token });
    await signIn(P1);
    const seen = [await trips(() => setPassword(nest, user))];
    await signIn(P2);
    seen.push(await commandsOf(() => setPassword(nest, user, back)));
    expect(seen).toEqual([7, 11]);
  });

  test("get_user and list_sessions take 1", async () => {
    expect(await trips(() => nest.call(`${V2}get_user`, own(), bearer()))).toBe(1);
    expect(await trips(() => nest.call(`${V3}get_user`, {}, bearer()))).toBe(1);
    expect(await trips(() => nest.call(`${V2}list_sessions`, own(), bearer()))).toBe(1);
    expect(await trips(() => nest.call(`${V3}list_sessions`, {}, bearer()))).toBe(1);
  });

  test("one command reads the token, its session and what the method returns", async () => {
    nest.stripe.createSubscription({ email: "ada@example.com" });
    await nest.deliverEvents();
    const calls: [path: string, body: object | undefined][] = [
      [`${V2}get_user`, own()],
      [`${V3}get_user`, {}],
      [`${V1}get_marketing_consent`, own()],
      [`${V2}get_subscription_status`, own()],
      [`${V1}get_subscription_status`, undefined],
    ];
    for (const [path, body] of calls) {
      await nest.call(path, body, bearer());
      expect([path, await commandsOf(() => nest.call(path, body, bearer()))]).toEqual([path, 1]);
    }
  });

  test("set_marketing_consent takes 2, get_marketing_consent 1", async () => {
    expect(
      await trips(() => nest.call(`${V1}set_marketing_consent`, { ...own(), level: "general" }, bearer())),
    ).toBe(2);
    expect(await trips(() => nest.call(`${V1}get_marketing_consent`, own(), bearer()))).toBe(1);
  });

  test("list_news_items takes 1, then none while its copy is fresh, and 1 with a bearer token", async () => {
    const list = (options = {}) => nest.call(`${V1}list_news_items`, { client_id: MAC }, options);
    expect(await trips(() => list())).toBe(1);
    expect(await trips(() => list())).toBe(0);
    expect(await trips(() => list(bearer()))).toBe(1);
  });

  test("get_subscription_status takes 1 in both versions", async () => {
    nest.stripe.createSubscription({ email: "ada@example.com" });
    await nest.deliverEvents();
    expect(await trips(() => nest.call(`${V2}get_subscription_status`, own(), bearer()))).toBe(1);
    expect(await trips(() => nest.call(`${V1}get_subscription_status`, undefined, bearer()))).toBe(1);
  });

  test("list_plans takes none, and the status of 2026-12-01 takes 1", async () => {
    expect(await trips(() => nest.call(`${V3}list_plans`, { client_id: MAC }))).toBe(0);
    expect(await trips(() => nest.call(`${V3}get_subscription_status`, own(), bearer()))).toBe(1);
  });

  test("create_checkout_session takes 4 for a new customer, 3 for a known one and 1 for an open session", async () => {
    const url = "http://localhost:3000/";
    const { access_token } = await nest.signIn("buyer@example.com");
    const ask = (query: string) => {
      const body = { plan: "basic", success_url: `${url}?${query}`, cancel_url: url };
      return nest.call(`${V3}create_checkout_session`, body, { bearer: access_token });
    };
    expect(await trips(() => ask("first"))).toBe(4);
    expect(await trips(() => ask("second"))).toBe(3);
    expect(await trips(() => ask("second"))).toBe(1);
    expect(await commandsOf(() => ask("third"))).toBe(4);
  });

  test("change_plan takes 2, and 1 if the user has the plan", async () => {
    const { access_token } = await nest.signIn("changer@example.com");
    nest.stripe.createSubscription({ email: "changer@example.com" });
    await nest.deliverEvents();
    const change = (plan: string) => nest.call(`${V3}change_plan`, { plan }, { bearer: access_token });
    expect((await change("basic")).status).toBe(200);
    expect(await trips(() => change("pro"))).toBe(2);
    expect(await trips(() => change("pro"))).toBe(1);
  });

  test("create_trial_and_magic_link takes 7, and fewer when it is called again", async () => {
    const ask = () =>
      nest.call(`${V2}create_trial_and_magic_link`, linkRequest({ identifier_value: "trial@example.com" }));
    expect(await trips(ask)).toBe(7);
    expect(await trips(ask)).toBe(6);
  });

  test("revoke_session and revoke_token take 2", async () => {
    const tokens = await nest.signIn("leaver@example.com");
    const user = { user_id: tokens.user_id };
    const as = { bearer: tokens.access_token };
    const [session] = (await nest.call(`${V2}list_sessions`, user, as)).body;
    expect(await trips(() => nest.call(`${V2}revoke_session`, { ...user, session_id: session.id }, as))).toBe(
      2,
    );
    const { refresh_token } = await nest.signIn("leaver@example.com");
    expect(await trips(() => nest.call(`${V2}revoke_token`, { client_id: MAC, refresh_token }))).toBe(2);
    const other = (await nest.signIn("leaver@example.com")).refresh_token;
    const asked = { client_id: MAC, refresh_token: other };
    expect(await trips(() => nest.call(`${V3}revoke_token`, asked))).toBe(2);
  });

  test("revoke_session of 2026-12-01 takes 2 and sends 2 commands, and revoke_all_sessions 4 and 5 with its mail", async () => {
    const signIn = async () => (await nest.signIn("ender@example.com")).access_token;
    const revoke = (method: string, bearer: string) => nest.call(`${V3}${method}`, {}, { bearer });
    for (const [method, sequential, commands] of [
      ["revoke_session", 2, 2],
      ["revoke_all_sessions", 4, 5],
    ] as const) {
      await signIn();
      let access = await signIn();
      await nest.call(`${V3}get_user`, {}, { bearer: access });
      expect([method, await trips(() => revoke(method, access))]).toEqual([method, sequential]);
      await signIn();
      access = await signIn();
      await nest.call(`${V3}get_user`, {}, { bearer: access });
      expect([method, await commandsOf(() => revoke(method, access))]).toEqual([method, commands]);
    }
  });

  test("methods that need a capability read it with the session: list_roles takes 1, set_role and set_user_roles 3, delete_role 4", async () => {
    const { user_id, access_token: bearer } = await nest.signIn("admin@example.com");
    await setRoles(nest, user_id, ["admin"]);
    await nest.call(`${V3}get_user`, {}, { bearer });
    const role = { scope: "platform", key: "counted" };
    const desk = { ...role, name: "Desk", level: 10, capabilities: [] };
    for (const [method, body, expected] of [
      ["list_roles", {}, 1],
      ["list_users", {}, 3],
      ["list_users", { query: "ada" }, 3],
      // 1 reads the identifier, 1 claims it, 1 writes user, account and link, 1 reads the user, 1 revokes earlier links, 1 completes.
      ["create_user", { identifier_type: "email", identifier_value: "created@example.com" }, 6],
      ["get_billing_history", own(), 1],
      ["get_sign_in_history", own(), 2],
      ["list_audit_logs", {}, 3],
      ["list_audit_logs", { ...own(), action: "user.signed_in" }, 3],
      ["set_role", desk, 3],
      ["set_role", { ...desk, level: 11 }, 3],
      ["set_user_roles", { ...own(), roles: ["support"] }, 3],
      ["delete_role", role, 4],
    ] as const)
      expect([method, await trips(() => nest.call(`${V3}${method}`, body, { bearer }))]).toEqual([
        method,
        expected,
      ]);
    await setRoles(nest, user_id, ["admin"]);
    await setRoles(nest, ada.user_id, ["admin"]);
    // A user who disables another: 2 read, 1 disables, 1 reads the sessions, 1 ends them, 1 reads the user.
    const update = (body: object) =>
      trips(() => nest.call(`${V3}update_user`, { ...own(), ...body }, { bearer }));
    expect([await update({ name: "Ada" }), await update({ metadata: { team: "blue" } })]).toEqual([4, 4]);
    // Two more read and store who leaves, two look for another administrator with a verified address, one settles it.
    const leave = () => nest.call(`${V3}set_user_roles`, { ...own(), roles: [] }, { bearer });
    expect(await trips(leave)).toBe(8);
    const created = { identifier_type: "email", identifier_value: "deleted@example.com" };
    const { user } = (await nest.call(`${V3}create_user`, created, { bearer })).body;
    // 9 until the user is marked as deleted, 5 read and store who leaves the user's account and settle it, 1 reads the user, 2 end sessions and links, 2 addresses and memberships, 1 reads them again,
    // 2 end billing, 1 stores when the user is erased.
    expect(await trips(() => nest.call(`${V3}delete_user`, { user_id: user.id }, { bearer }))).toBe(23);
  });

  test("methods of webhooks take 1 to 5", async () => {
    const { id: webhook_id } = await addWebhook(nest, { url: `http://${NOWHERE}/` });
    const delivery_id = await sendTest(nest, webhook_id);
    const { user_id, access_token: bearer } = await nest.signIn("hooks@example.com");
    await setRoles(nest, user_id, ["admin"]);
    await nest.call(`${V3}get_user`, {}, { bearer });
    const counts: unknown[] = [];
    for (const [method, body] of [
      ["list_webhooks", {}],
      ["create_webhook", { url: `http://${NOWHERE}/`, events: ["*"] }],
      ["update_webhook", { webhook_id, description: "CRM" }],
      ["rotate_webhook_secret", { webhook_id }],
      ["send_test_webhook", { webhook_id }],
      ["list_webhook_deliveries", { webhook_id }],
      ["retry_webhook_delivery", { delivery_id }],
      ["delete_webhook", { webhook_id }],
    ] as const)
      counts.push([method, await trips(() => nest.call(`${V3}${method}`, body, { bearer }))]);
    expect(counts).toEqual([
      ["list_webhooks", 1],
      ["create_webhook", 3],
      ["update_webhook", 3],
      ["rotate_webhook_secret", 3],
      ["send_test_webhook", 5],
      ["list_webhook_deliveries", 3],
      ["retry_webhook_delivery", 5],
      ["delete_webhook", 3],
    ]);
  });

  test("reading an account takes 2 round trips, and changing one or a member's role 3 and 4", async () => {
    const owner = await newOwner(nest);
    const { user_id } = await newMember(nest, owner);
    const invited = async (): Promise<object> => {
      const { address } = owner;
      const user = { identifier_type: "email", identifier_value: address };
      await asUser(nest, owner, "add_account_user", user);
      return { client_id: NATIVE, token: linkIn(nest.lastMail(address)).searchParams.get("token") };
    };
    const counts: unknown[] = [];
    for (const [method, body] of [
      ["list_accounts", {}],
      ["get_account", {}],
      ["create_account", {}],
      ["update_account", { name: "Acme" }],
      ["set_account_user_role", { user_id, role_key: "admin" }],
      ["accept_account_invite", await invited()],
    ] as const)
      counts.push([method, await trips(() => asUser(nest, owner, method, body))]);
    expect(counts).toEqual([
      ["list_accounts", 3],
      ["get_account", 2],
      ["create_account", 4],
      ["update_account", 3],
      ["set_account_user_role", 4],
      ["accept_account_invite", 8],
    ]);
  });

  test("methods about an account read the membership with the session: list_account_users takes 3, add_account_user 8, remove_account_user 8", async () => {
    const owner = await newOwner(nest);
    const members = [await newMember(nest, owner), await newMember(nest, owner)];
    const list = () => asUser(nest, owner, "list_account_users");
    await list();
    expect(await trips(list)).toBe(3);
    const remove = () => asUser(nest, owner, "remove_account_user", { user_id: members.pop()?.user_id });
    await remove();
    expect(await trips(remove)).toBe(8);
    const add = () => asUser(nest, owner, "add_account_user", userToAdd());
    await add();
    expect(await trips(add)).toBe(8);
  });

  test("methods of second factors: a second step takes 10, and a change of factors up to 10", async () => {
    const address = "factors@example.com";
    await givePassword(nest, address);
    const taken: Record<string, number> = {};
    const count = async (method: string, body: object, by?: Tokens) => {
      let reply: Reply | undefined;
      const work = async () => {
        reply = await nest.call(`${V3}${method}`, body, by ? { bearer: by.access_token } : {});
        return reply;
      };
      taken[method] = await trips(work);
      return reply?.body;
    };
    const first = (await signInWith(nest, address)).body;
    const app = await count("create_mfa_factor", { factor_type: "totp", confirm: true }, first);
    const codeOf = (steps: number) => appCode(app.secret, nest.clock.now(), steps);
    await count("verify_mfa_factor", { factor_id: app.factor_id, code: codeOf(-1) }, first);
    const mfa = { client_id: NATIVE, grant_type: "mfa", mfa_token: await firstStep(nest, address) };
    const both = await count("authenticate_user", { ...mfa, factor_id: app.factor_id, code: codeOf(0) });
    await count("list_mfa_factors", {}, both);
    await count("create_mfa_challenge", { client_id: NATIVE }, both);
    await count("regenerate_recovery_codes", {}, both);
    const mailed = (await createFactor(nest, both, { factor_type: "email" })).body;
    const proof = { factor_id: mailed.factor_id, code: digitsIn(nest.lastMail(address).text) };
    await nest.call(`${V3}verify_mfa_factor`, proof, { bearer: both.access_token });
    nest.clock.advance(61);
    const sent = {
      client_id: NATIVE,
      mfa_token: await firstStep(nest, address),
      factor_id: mailed.factor_id,
    };
    await count("send_mfa_code", sent);
    await count("remove_mfa_factor", { factor_id: mailed.factor_id }, both);
    expect(taken).toEqual({
      create_mfa_factor: 5,
      verify_mfa_factor: 10,
      authenticate_user: 9,
      list_mfa_factors: 2,
      create_mfa_challenge: 3,
      regenerate_recovery_codes: 5,
      send_mfa_code: 6,
      remove_mfa_factor: 10,
    });
  });

  test("create_passkey_challenge takes 2, and a sign-in with a passkey 5", async () => {
    const { authenticator } = await enrolPasskey(nest, "passkeys@example.com");
    let opened: Reply | undefined;
    const open = async () => {
      opened = await openCeremony(nest);
      return opened;
    };
    expect(await trips(open)).toBe(2);
    const { challenge_id, options } = opened?.body ?? {};
    const signed = authenticator.get(options, { counter: 1 });
    expect(await trips(() => redeemPasskey(nest, challenge_id, signed))).toBe(5);
  });

  test("authenticate_user of 2026-12-01 takes as many as the older date", async () => {
    const redeem = async (code: string) => nest.call(`${V3}authenticate_user`, exchange(code));
    const known = await nest.emailedCode();
    expect(await trips(() => redeem(known))).toBe(3);
    const again = await nest.emailedCode();
    // One more than the older date: it reads where the user signed in before.
    expect(await commandsOf(() => redeem(again))).toBe(10);
  });

  test("the webhook takes 2 for an event that changes no subscription", async () => {
    const post = (event: object) => trips(() => nest.webhook(event));
    expect(
      await post(nest.stripe.emit("payment_intent.created", { id: "pi_1", object: "payment_intent" })),
    ).toBe(2);
    expect(await post(nest.stripe.emit("invoice.paid", { id: "in_1", object: "invoice" }))).toBe(2);
  });

  test("the webhook sends at most 12 commands for customer.subscription.updated of a known subscription", async () => {
    const commandsOf = async (event: object) => {
      let status = 0;
      const { commands } = await countTrips(nest.gateway.mongo.client, async () => {
        ({ status } = await nest.webhook(event));
      });
      expect(status).toBe(200);
      return commands.length;
    };
    const { id } = nest.stripe.createSubscription({ email: "fresh@example.com" });
    await nest.deliverEvents();
    nest.stripe.cancelSubscription(id, { isAtPeriodEnd: true });
    const updated = nest.stripe.events().at(-1);
    expect(updated).toMatchObject({ type: "customer.subscription.updated" });
    expect(await commandsOf(updated as object)).toBeLessThanOrEqual(12);
  });

  test("an SES event takes 3", async () => {
    await nest.requestLink({ identifier_value: "gone@example.com" });
    const serve = serveEvent(sesEvents.declaration, nest.gateway);
    const bounce = {
      id: "e1",
      time: nest.clock.now().toISOString(),
      detail: {
        eventType: "Bounce",
        mail: { messageId: "m", destination: ["gone@example.com"] },
        bounce: { bounceType: "Permanent", bouncedRecipients: [{ emailAddress: "gone@example.com" }] },
      },
    };
    const { sequential } = await countTrips(nest.gateway.mongo.client, () => serve(bounce, lambdaContext()));
    expect(sequential).toBe(3);
  });

  describe("a call that a limit refuses takes at most 3 commands", () => {
    let strict: TestNest;
    let code: string;
    let refresh_token: string;
    const device = { platform: "mac", beak_id: "mine", fingerprint: "mine" };
    const strange = { platform: "mac", beak_id: "another", fingerprint: "another" };
    const elsewhere = { ip: "198.51.100.77" };
    beforeAll(async () => {
      strict = await startNest({
        environment: {
          LIMIT_LINKS_PER_ADDRESS_AND_NETWORK: "2",
          LIMIT_LINKS_PER_ADDRESS: "3",
          LIMIT_LINKS_PER_KNOWN_DEVICE: "1",
          LIMIT_LINKS_PER_NETWORK: "5",
          LIMIT_TRIAL_REQUESTS_PER_NETWORK: "3",
          LIMIT_NEW_TRIALS_PER_NETWORK: "1",
          LIMIT_FAILURES_PER_NETWORK: "1",
          LIMIT_MAILS_PER_HOUR: "1000",
        },
      });
      ({ refresh_token } = await strict.signIn("known@example.com", { device }));
      code = await strict.emailedCode({ identifier_value: "known@example.com", device }, elsewhere);
      await strict.refresh(`01.reftok_nobody.${"0".repeat(64)}`);
      await trial("redeemed@example.com", "203.0.113.5");
      expect((await strict.redeem(codeIn(strict.lastMail("redeemed@example.com")))).status).toBe(200);
    });
    afterAll(() => strict.stop());

    const link = (identifier_value: string, more: object = {}) => linkRequest({ identifier_value, ...more });
    const commandsOf = async (work: () => Promise<{ status: number }>, last = 1) => {
      let status = 0;
      for (let turn = 1; turn < last; turn++) await work();
      const { commands } = await countTrips(strict.gateway.mongo.client, async () => {
        ({ status } = await work());
      });
      expect(status).toBe(429);
      return commands;
    };
    const trial = (address: string, ip: string) =>
      strict.call(`${V2}create_trial_and_magic_link`, link(address, { device: strange }), { ip });
    const ask = (address: string, ip: string, of: object = strange) =>
      strict.call(`${V1}send_magic_link`, link(address, { device: of }), { ip });

    test.each<[string, () => Promise<{ status: number }>, number]>([
      ["the links of an address and network", () => ask("one@example.com", "203.0.113.1"), 3],
      ["the links of an address", () => ask("two@example.com", `203.0.114.${strict.ses.inbox.length}`), 5],
      ["the links of a network", () => ask(`${strict.ses.inbox.length}@example.com`, "203.0.113.3"), 6],
      ["the links of a known device", () => ask("known@example.com", "203.0.113.9", device), 6],
      [
        "the trial requests of a network",
        () => trial(`${strict.ses.inbox.length}@example.com`, "203.0.113.4"),
        4,
      ],
      ["the new trials of a network", () => trial("trial@example.com", "203.0.113.5"), 1],
      ["the links of an address and network, for a trial", () => trial("one@example.com", "203.0.113.1"), 1],
      ["failures, for a wrong refresh token", () => strict.refresh(`${refresh_token.slice(0, -2)}00`), 2],
      [
        "failures, for a wrong code",
        () => strict.redeem(`${code.slice(0, -2)}00`, {}, { ip: "203.0.113.9" }),
        2,
      ],
    ])("%s", async (_limit, work, last) => {
      expect((await commandsOf(work, last)).length).toBeLessThanOrEqual(3);
    });
  });

  test("a refused call takes a fourth command only if concurrent requests of a known device use up its own limit", async () => {
    const racing = Promise.withResolvers<void>();
    let readers = 0;
    // Two requests read the identifier before either of them counts the device's own link.
    const meet = async () => {
      if (++readers === 2) racing.resolve();
      await racing.promise;
    };
    let isArmed = false;
    const raced = await startNest({
      environment: {
        LIMIT_LINKS_PER_ADDRESS_AND_NETWORK: "1",
        LIMIT_LINKS_PER_KNOWN_DEVICE: "1",
        LIMIT_LINKS_PER_NETWORK: "1000",
      },
      guard: (open) =>
        interceptIo(open, async ({ name }, work) => {
          const response = await work();
          if (isArmed && name === "IdentifierRepository.findActive") await meet();
          return response;
        }),
    });
    const device = { platform: "mac", beak_id: "mine", fingerprint: "mine" };
    await raced.signIn("known@example.com", { device });
    const ask = () =>
      raced.call(`${V1}send_magic_link`, linkRequest({ identifier_value: "known@example.com", device }));
    const commandsOf = async (work: () => Promise<unknown>) =>
      (await countTrips(raced.gateway.mongo.client, work)).commands;
    isArmed = true;
    const statuses: number[] = [];
    const commands = await commandsOf(async () => {
      for (const { status } of await Promise.all([ask(), ask()])) statuses.push(status);
    });
    isArmed = false;
    expect(statuses.toSorted()).toEqual([204, 429]);
    // The link takes 2 more: it is stored, and bounces are read.
    expect(commands).toHaveLength(2 * 4 + 2);
    const later = await commandsOf(async () => expect((await ask()).status).toBe(429));
    expect(later.length).toBeLessThanOrEqual(3);
    await raced.stop();
  });

  test("are counted in this file for every method that uses the database", async () => {
    const methods = (await loadMethods()).map(
      ({ handler: { declaration } }) => `${declaration.version}/${declaration.name}`,
    );
    expect(methods.filter((method) => !counted.has(method))).toEqual(["2020-12-14/enrol_alpha_user"]);
    const { sequential } = await countTrips(nest.gateway.mongo.client, () =>
      nest.call(`${V1}enrol_alpha_user`, { email: "ada@example.com" }, { internal: true }),
    );
    expect(sequential).toBe(0);
  });
});

test("authenticate_user takes 3 round trips with a wrong password, of a known and of an unknown address, and 3 with a right one", async () => {
  const nest = await startNest({ environment: { LIMIT_PASSWORD_FAILURES_PER_NETWORK: "1000" } });
  const { client } = nest.gateway.mongo;
  await givePassword(nest, "ada@example.com");
  await nest.signIn("grace@example.com");
  await warmConnections(client, 8);
  const sequentialOf = async (address: string, password?: string) => {
    const { sequential, commands } = await countTrips(client, () => signInWith(nest, address, password));
    return [sequential, commands.length];
  };
  await signInWith(nest, "ada@example.com");
  expect(await sequentialOf("ada@example.com")).toEqual([3, 12]);
  for (const address of ["ada@example.com", "nobody@example.com", "grace@example.com"])
    expect([address, ...(await sequentialOf(address, "wrong"))]).toEqual([address, 3, 5]);
  await nest.stop();
});
