import { afterEach, beforeEach, describe, expect, test } from "vitest";
import app from "#app";
import { digitsIn, PHONE, redeemCode } from "#tests/support/codes.ts";
import { BUSY_MACHINE, NATIVE, SAMPLE_WEB, SIMPLE, startNest, type TestNest } from "#tests/support/nest.ts";
import { P1, P2, register, registerFirst } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";
import { withSampleClients } from "#tools/local/sample_clients.ts";

let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

const count = (name: string) => nest.collection(name).countDocuments();
const countAll = async () =>
  Object.fromEntries(
    await Promise.all(
      ["users", "identifiers", "accounts", "account_members", "passwords", "sessions"].map(
        async (name) => [name, await count(name)] as const,
      ),
    ),
  );
const ONE_OF_EACH = {
  ...{ users: 1, identifiers: 1, accounts: 1, account_members: 1, passwords: 1, sessions: 1 },
};
const NO_TOKENS = {
  ...{ access_token: null, token_type: null, expires_in: null, expires_at: null, refresh_token: null },
  ...{ user_id: null, account_id: null, session_id: null, auth_time: null, amr: null, user_created: null },
};
const codeIn = (address: string) => digitsIn(nest.lastMail(address).text);
const redeem = (nonce: string, code: string) => redeemCode(nest, { nonce, code }, { client_id: NATIVE });

describe("immediate registration", () => {
  test("creates user, account, password and session, and claims the address (WP1.1)", async () => {
    const { status, body } = await register(nest, { name: "Ada", account_name: "Engines" });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      ...{ verification: null, token_type: "bearer", expires_in: 3600, client_id: SIMPLE },
      ...{ amr: ["pwd"], user_created: true },
    });
    const user = await nest.call(`${V3}get_user`, {}, { bearer: body.access_token });
    expect(user.body).toMatchObject({ email: "a@x.test", role: 100, account_id: body.account_id });
    expect(user.body.identifiers[0].verified_at).toBeNull();
    expect(await countAll()).toEqual(ONE_OF_EACH);
    expect(await nest.collection("users").findOne()).toMatchObject({ name: "Ada" });
    expect(await nest.collection("accounts").findOne()).toMatchObject({ name: "Engines" });
    expect(await nest.collection("identifiers").findOne()).not.toHaveProperty("registration");
    expect(nest.ses.inbox).toEqual([]);
    const rows = (await nest.moveEvents()).map(({ action }) => action).sort();
    expect(rows).toEqual(["identifier.added", "password.set", "user.created", "user.signed_in"]);
    const refreshed = await nest.refresh(body.refresh_token, { client_id: SIMPLE });
    expect(refreshed.status).toBe(200);
  });

  test("says identifier_taken for an address that somebody has, proved or not (WP1.2)", async () => {
    await register(nest);
    expect(await register(nest)).toMatchObject({ status: 409, body: { code: "identifier_taken" } });
    await nest.signIn("known@x.test");
    const known = await register(nest, { identifier_value: "Known@X.test" });
    expect(known.body.code).toBe("identifier_taken");
  });

  test("of 50 registrations of one address at once, one makes a user, with one of everything", async () => {
    await nest.stop();
    nest = await startNest({ slowdown: BUSY_MACHINE });
    const replies = await Promise.all(
      Array.from({ length: 50 }, (_one, index) => register(nest, {}, { ip: `198.51.100.${index}` })),
    );
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(replies.filter(({ body }) => body.code === "identifier_taken")).toHaveLength(49);
    expect(await countAll()).toEqual(ONE_OF_EACH);
  });

  test("the same request completes a registration that stopped, and another password does not", async () => {
    const { body } = await register(nest);
    const at = nest.clock.now().toISOString();
    for (const name of ["users", "accounts", "sessions"]) await nest.collection(name).deleteMany({});
    await nest
      .collection("identifiers")
      .updateOne({}, { $set: { registration: { startedAt: at, hasFailed: true } } });
    expect((await register(nest, { password: P2 })).body.code).toBe("identifier_taken");
    expect((await register(nest, { password: undefined })).body.code).toBe("identifier_taken");
    const again = await register(nest);
    expect(again).toMatchObject({ status: 200, body: { user_id: body.user_id } });
    expect(await countAll()).toEqual(ONE_OF_EACH);
    expect((await register(nest)).body.code).toBe("identifier_taken");
  });

  test("of 20 calls that complete a registration at once, one gets tokens", async () => {
    await nest.stop();
    nest = await startNest({ slowdown: BUSY_MACHINE });
    await register(nest);
    await nest
      .collection("identifiers")
      .updateOne({}, { $set: { registration: { startedAt: "2026-01-01T00:00:00.000Z" } } });
    const replies = await Promise.all(Array.from({ length: 20 }, () => register(nest)));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(await countAll()).toEqual(ONE_OF_EACH);
  });

  test("without a password, the user has none; the mails that were asked for are sent (WP1.9)", async () => {
    const options = { send_email: true, send_reset_email: true };
    const { status, body } = await register(nest, { password: undefined, options });
    expect(status).toBe(200);
    expect(body.amr).toEqual([]);
    expect(await count("passwords")).toBe(0);
    expect(nest.mailSubjects().sort()).toEqual(["Choose a new Beak password", "Welcome to Beak!"]);
  });

  test("sends no reset to a user with a password, and a welcome by SMS to the number", async () => {
    const options = { send_reset_email: true, send_sms: true };
    await register(nest, { phone_number: PHONE, options });
    expect(nest.ses.inbox).toEqual([]);
    expect(nest.lastSms(PHONE).text).toBe("Welcome to Beak! Your account is ready.");
  });

  test("sets cookies if the request says so, and the client has cookies (A18)", async () => {
    await nest.stop();
    const sampled = withSampleClients(app);
    const clients = sampled.clients.map((client) => ({ ...client, registrationMode: "immediate" as const }));
    nest = await startNest({ app: { ...sampled, clients } });
    const refused = await register(nest, { options: { set_cookie: true } });
    expect(refused).toMatchObject({ status: 400, body: { code: "cookies_not_enabled" } });
    const page = { client_id: SAMPLE_WEB, options: { set_cookie: true } };
    const { status, body } = await register(nest, page);
    expect([status, body.refresh_token]).toEqual([200, null]);
    const without = await register(nest, { client_id: SAMPLE_WEB, identifier_value: "b@x.test" });
    expect(without.body.refresh_token).toMatch(/^01\./);
  });

  test("adds the phone number as pending, so that it claims nothing and signs nobody in", async () => {
    const { body } = await register(nest, { phone_number: PHONE });
    expect(await nest.collection("pending_identifiers").findOne()).toMatchObject({
      ...{ userId: body.user_id, identifierType: "phone", identifierValue: PHONE, endedAt: null },
    });
    expect(await count("identifiers")).toBe(1);
    const first = await registerFirst(nest, { identifier_value: "b@x.test", phone_number: PHONE });
    expect((await redeem(first.body.verification.nonce, codeIn("b@x.test"))).status).toBe(200);
    expect(await count("pending_identifiers")).toBe(2);
  });

  test("sends a code that proves the address, if it is asked to (A20)", async () => {
    const { body } = await register(nest, { options: { verify_email: true } });
    expect(body).toMatchObject({
      access_token: expect.any(String),
      verification: { nonce: expect.any(String), delivery: "email" },
    });
    expect(codeIn("a@x.test")).toMatch(/^\d{6}$/);
    expect(await nest.collection("verifications").findOne()).toMatchObject({
      ...{ purpose: "verify_identifier", userId: body.user_id },
    });
  });

  test("a message that can't be sent does not fail the registration", async () => {
    nest.ses.fault({ calls: 1, kind: "error" });
    expect((await register(nest, { options: { send_email: true } })).status).toBe(200);
    expect(nest.logged("registration_message_not_sent")).toHaveLength(1);
  });
});

describe("the welcome of a registration", () => {
  const FIRST = { client_id: NATIVE };
  /** Registers, and proves the address if the client wants that first. @returns the subjects of the mails */
  const subjectsAfter = async (change: Record<string, unknown>) => {
    const { status, body } = await register(nest, change);
    expect(status).toBe(200);
    const { verification } = body;
    if (verification) expect((await redeem(verification.nonce, codeIn("a@x.test"))).status).toBe(200);
    return nest.mailSubjects();
  };
  const WELCOME = "Welcome to Beak!";

  test.each([
    ["at once", {}],
    ["after the proof", FIRST],
  ])("is sent %s if the options say so, and only then", async (_when, client) => {
    expect(await subjectsAfter({ ...client, options: { send_email: false } })).not.toContain(WELCOME);
    await nest.stop();
    nest = await startNest();
    expect(await subjectsAfter(client)).not.toContain(WELCOME);
    await nest.stop();
    nest = await startNest();
    expect(await subjectsAfter({ ...client, options: { send_email: true } })).toContain(WELCOME);
  });

  test("is not sent to an address whose mail bounced, nor to its owner when somebody else registers", async () => {
    const at = nest.clock.now().toISOString();
    const address = { identifierValues: ["a@x.test"], recipients: ["a@x.test"] };
    await nest.gateway.core.mailEvents.insert({
      ...{ _id: "mailevent_1", type: "bounce", isPermanent: true, subType: null, messageId: "m", ...address },
      ...{ occurredAt: at, createdAt: at, purgeAt: new Date("2030-01-01") },
    });
    expect(await subjectsAfter({ options: { send_email: true } })).toEqual([]);
    await nest.signIn("known@x.test");
    const sent = nest.ses.inbox.length;
    await registerFirst(nest, { identifier_value: "known@x.test", options: { send_email: true } });
    expect(nest.mailSubjects().slice(sent)).toEqual(["You already have a Beak account"]);
  });
});

describe("registration that proves the address first", () => {
  test("creates nobody until the code is redeemed, which sets the password (WP1.3)", async () => {
    const options = { send_email: true };
    const { status, body } = await registerFirst(nest, { name: "Bo", account_name: "B", options });
    expect(status).toBe(200);
    expect(body).toEqual({
      ...NO_TOKENS,
      client_id: NATIVE,
      verification: { nonce: expect.any(String), expires_at: expect.any(String), delivery: "email" },
    });
    expect(nest.ses.inbox).toHaveLength(1);
    expect(await count("users")).toBe(0);
    const redeemed = await redeem(body.verification.nonce, codeIn("a@x.test"));
    expect(redeemed).toMatchObject({ status: 200, body: { user_created: true, amr: ["otp"] } });
    expect(await countAll()).toEqual(ONE_OF_EACH);
    expect(await nest.collection("users").findOne()).toMatchObject({ name: "Bo" });
    expect(await nest.collection("accounts").findOne()).toMatchObject({ name: "B" });
    expect(await nest.collection("identifiers").findOne()).toMatchObject({ verifiedAt: expect.any(String) });
    expect(nest.lastMail("a@x.test").subject).toBe("Welcome to Beak!");
  });

  test("answers alike for a known address, whose owner gets no code, and no code is accepted", async () => {
    await nest.signIn("known@x.test");
    const unknown = await registerFirst(nest, { identifier_value: "new@x.test" });
    const known = await registerFirst(nest, { identifier_value: "known@x.test" });
    const shapeOf = ({ status, body }: typeof known) => [
      status,
      Object.keys(body),
      Object.keys(body.verification),
      body.verification.nonce.length,
    ];
    expect(shapeOf(known)).toEqual(shapeOf(unknown));
    const mail = nest.lastMail("known@x.test");
    expect(mail.subject).toBe("You already have a Beak account");
    expect(`${mail.text}${mail.subject}`).not.toMatch(/\b\d{6}\b/);
    expect((await redeem(known.body.verification.nonce, codeIn("new@x.test"))).status).toBe(404);
  });

  test("sends a code by SMS to a new number, and a text without a code to a known one", async () => {
    const phone = { identifier_type: "phone", identifier_value: PHONE };
    const { body } = await registerFirst(nest, phone);
    expect(body.verification.delivery).toBe("sms");
    const code = digitsIn(nest.lastSms(PHONE).text);
    expect((await redeem(body.verification.nonce, code)).body).toMatchObject({ user_created: true });
    await registerFirst(nest, phone);
    expect(nest.lastSms(PHONE).text).toBe(
      "You already have a Beak account with this number. Sign in with it.",
    );
  });

  test("a stranger's nonce and the owner's code belong together: neither works without the other", async () => {
    const stranger = await registerFirst(nest, { password: P2 });
    const strangersCode = codeIn("a@x.test");
    const owner = await registerFirst(nest);
    expect((await redeem(owner.body.verification.nonce, strangersCode)).status).toBe(404);
    expect((await redeem(stranger.body.verification.nonce, codeIn("a@x.test"))).status).toBe(404);
    expect((await redeem(owner.body.verification.nonce, codeIn("a@x.test"))).status).toBe(200);
  });

  test("a user who has a password by then keeps it", async () => {
    const { body } = await registerFirst(nest);
    const code = codeIn("a@x.test");
    const { user_id } = await nest.signIn("a@x.test");
    const hash = { hash: "h", pepperId: "p", setBy: "user", mustChange: false, failedCount: 0 };
    const times = { createdAt: "2026-01-01T00:00:00.000Z", updatedAt: "2026-01-01T00:00:00.000Z" };
    await nest.collection("passwords").insertOne({ _id: "passwd_x", userId: user_id, ...hash, ...times });
    expect((await redeem(body.verification.nonce, code)).body).toMatchObject({
      user_id,
      user_created: false,
    });
    expect(await nest.collection("passwords").findOne()).toMatchObject({ hash: "h" });
  });

  test("stores the hash of the password only", async () => {
    const { body } = await registerFirst(nest);
    const seen = `${await nest.dump()}\n${nest.logLines.join("\n")}`;
    for (const secret of [P1, body.verification.nonce]) expect(seen).not.toContain(secret);
    expect(nest.logLines.join("\n")).not.toContain("a@x.test");
  });
});

describe("what is refused", () => {
  test("a password, a number and a page that are not acceptable", async () => {
    const code = async (change: object) => (await register(nest, { ...change })).body.code;
    expect(await code({ password: "abc" })).toBe("password_not_acceptable");
    expect(await code({ identifier_value: "foo" })).toBe("invalid_identifier");
    expect(await code({ phone_number: "+65123" })).toBe("invalid_identifier");
    expect(await code({ phone_number: "+33612345678" })).toBe("country_not_allowed");
    expect(await code({ redirect_uri: "https://evil.example/" })).toBe("invalid_redirect_uri");
    expect(await code({ options: { send_sms: true } })).toBe("validation_failed");
    expect(await count("users")).toBe(0);
  });

  test("every registration at a client that registers nobody, in both modes", async () => {
    await nest.stop();
    const closed = withSampleClients(app);
    const clients = closed.clients.map((client) => ({ ...client, registration: "closed" as const }));
    nest = await startNest({ app: { ...closed, clients } });
    for (const client_id of [SIMPLE, NATIVE])
      expect(await register(nest, { client_id })).toMatchObject({
        status: 403,
        body: { code: "registration_disabled" },
      });
  });

  test("a client that lists no grant with which the registration ends", async () => {
    const { id } = nest.gateway.core.app.clients.find(({ firstParty }) => !firstParty) ?? {};
    expect((await register(nest, { client_id: id })).body.code).toBe("grant_not_allowed");
  });

  test("the eleventh registration of a network in an hour", async () => {
    await nest.stop();
    nest = await startNest({ environment: { LIMIT_REGISTRATIONS_PER_NETWORK: "10" } });
    for (let index = 0; index < 10; index++)
      expect((await register(nest, { identifier_value: `p${index}@x.test` })).status).toBe(200);
    const refused = await register(nest, { identifier_value: "p10@x.test" });
    expect(refused).toMatchObject({ status: 429, body: { code: "rate_limited" } });
    const first = await registerFirst(nest, { identifier_value: "p11@x.test" });
    expect(first.status).toBe(429);
    const other = await register(nest, { identifier_value: "p12@x.test" }, { ip: "198.51.100.7" });
    expect(other.status).toBe(200);
  });

  test("the method does not exist at 2021-10-06 (WP1.13)", async () => {
    const reply = await nest.call("/1/2021-10-06/register_user", {});
    const unknown = await nest.call("/1/2021-10-06/no_such_method", {});
    expect([reply.status, reply.body]).toEqual([unknown.status, unknown.body]);
  });
});
