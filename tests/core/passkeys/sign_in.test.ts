import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { atOnce } from "#tests/support/concurrency.ts";
import { firstStep, presentFactor } from "#tests/support/mfa.ts";
import { BUSY_MACHINE, NATIVE, type Reply, startNest, type TestNest } from "#tests/support/nest.ts";
import { newPerson, redeem as redeemVisit, visit } from "#tests/support/oauth.ts";
import {
  Authenticator,
  addPasskey,
  type Ceremony,
  enrolPasskey,
  openCeremony,
  type PasskeyOwner,
  redeemPasskey,
  verifyPasskey,
} from "#tests/support/passkeys.ts";
import { V3 } from "#tests/support/plans.ts";

const ADA = "ada@example.com";
const WEB = "client_sample_web";
let nest: TestNest;
let ada: PasskeyOwner;
beforeAll(async () => {
  nest = await startNest({ slowdown: BUSY_MACHINE });
  ada = await enrolPasskey(nest, ADA);
});
afterAll(() => nest.stop());
const open = (change: Record<string, unknown> = {}) => openCeremony(nest, change);
const redeem = (id: string, credential: object, change: Record<string, unknown> = {}) =>
  redeemPasskey(nest, id, credential, change);
async function signIn(authenticator = ada.authenticator, change: Ceremony = {}): Promise<Reply> {
  const { body } = await open();
  return redeem(body.challenge_id, authenticator.get(body.options, change));
}
let others = 0;
/** The user of a test that changes them. */
const newOwner = (change: Ceremony = {}) => enrolPasskey(nest, `owner${++others}@example.com`, change);

const as = ({ access_token: bearer }: { access_token: string }) => ({ bearer });
const sessionsOf = () => nest.collection("sessions").countDocuments({ userId: ada.userId });
const storedFactor = ({ factorId }: PasskeyOwner) =>
  nest.collection("mfa_factors").findOne({ _id: factorId as never });
/** How many signatures of a user were refused, in the audit log. */
const refusals = ({ userId }: PasskeyOwner = ada) =>
  nest.collection("audit_logs").countDocuments({ userId, errorCode: "passkey_failed" });

/** The wrong responses that every use of a passkey refuses. */
const WRONG: [string, Ceremony][] = [
  ["a page of another origin", { origin: "https://evil.example" }],
  ["a page on a domain that ends like ours", { origin: "http://evillocalhost:5174" }],
  ["a frame of another site", { crossOrigin: true }],
  ["another domain", { rpId: "evil.example" }],
  ["another challenge", { challenge: Buffer.alloc(32).toString("base64url") }],
  ["a registration", { type: "webauthn.create" }],
  ["nobody", { isPresent: false }],
  [
    "a wrong signature",
    { sign: (right) => Buffer.from(right.map((byte, at) => (at === right.length - 1 ? byte ^ 1 : byte))) },
  ],
  ["no signature", { sign: () => Buffer.alloc(8) }],
  ["another user's handle", { userHandle: "AAAA" }],
  ["a passkey that can be copied now", { isSyncable: true }],
  ["an impossible backup", { isBackedUp: true }],
];

describe("a sign-in with a passkey alone", () => {
  test("counts as both factors, and is recorded with the passkey", async () => {
    const { body: opened } = await open();
    const { allowCredentials, userVerification, rpId } = opened.options;
    expect([rpId, allowCredentials, userVerification]).toEqual(["localhost", [], "required"]);
    const owner = await newOwner();
    const reply = await redeem(opened.challenge_id, owner.authenticator.get(opened.options));
    expect(reply.body).toMatchObject({ user_id: owner.userId, amr: ["pop", "mfa"] });
    const action = { action: "user.signed_in", sessionId: reply.body.session_id };
    const row = await nest.collection("audit_logs").findOne(action);
    expect(row?.data).toMatchObject({ grant: "webauthn", grantId: owner.factorId });
    const removed = await nest.call(`${V3}remove_mfa_factor`, { factor_id: owner.factorId }, as(reply.body));
    expect(removed.status).toBe(200);
    expect((await signIn(owner.authenticator)).body.code).toBe("passkey_failed");
    expect((await storedFactor(owner))?.passkey).toBeUndefined();
    expect((await nest.refresh(reply.body.refresh_token, { client_id: NATIVE })).status).toBe(200);
  });

  test.each([
    ...WRONG,
    ["a person who was not verified", { isVerified: false }],
    ["a passkey that names nobody", { userHandle: null }],
  ] as [string, Ceremony][])("is refused for %s", async (_name, change) => {
    const [before, failures] = [await sessionsOf(), await refusals()];
    const { status, body } = await signIn(ada.authenticator, change);
    expect([status, body.code]).toEqual([401, "passkey_failed"]);
    expect([await sessionsOf(), await refusals()]).toEqual([before, failures + 1]);
    expect((await signIn()).status).toBe(200);
  });

  test("is refused for a key that did not verify its owner when it was made, which a thief could have changed", async () => {
    const { authenticator, address } = await newOwner({ isVerified: false });
    expect((await signIn(authenticator)).body.code).toBe("passkey_failed");
    const token = await firstStep(nest, address);
    const { body } = await open({ mfa_token: token });
    const credential = authenticator.get(body.options, { isVerified: false });
    expect((await presentFactor(nest, token, { credential })).status).toBe(200);
  });

  test("is refused for an unknown passkey, and for a user who was disabled", async () => {
    expect((await signIn(new Authenticator(), { userHandle: "AAAA" })).body.code).toBe("passkey_failed");
    const { authenticator, userId } = await newOwner();
    await nest.collection("users").updateOne({ _id: userId as never }, { $set: { status: "disabled" } });
    expect((await signIn(authenticator)).body.code).toBe("passkey_failed");
    const rows = nest.collection("audit_logs").find({ userId, action: "user.sign_in_failed" });
    expect(
      (await rows.toArray()).map(({ errorCode, data }) => [errorCode, (data as { cause: string }).cause]),
    ).toEqual([["passkey_failed", "disabled"]]);
  });

  test("signs in a user who has only an account at a provider, in an account of theirs, and again after a lost response", async () => {
    const { landing } = nest.gateway.core.app.urls;
    const own = { client_id: NATIVE, redirect_uri: landing };
    const { code } = await visit(nest, newPerson(), { start: { ...own, provider: "microsoft" } });
    const { body: tokens } = await redeemVisit(nest, code, own);
    expect(await nest.collection("identifiers").countDocuments({ userId: tokens.user_id })).toBe(0);
    const created = await addPasskey(nest, tokens);
    const authenticator = new Authenticator();
    const made = authenticator.create(created.body.passkey_options);
    expect((await verifyPasskey(nest, tokens, created.body.factor_id, made)).status).toBe(200);
    const { account_id } = (await nest.call(`${V3}get_user`, {}, as(tokens))).body;
    const { body } = await open();
    const credential = authenticator.get(body.options);
    const change = { account_id, device: { device_id: "a device", beak_id: "a beak" } };
    const first = await redeem(body.challenge_id, credential, change);
    expect(first.body).toMatchObject({ user_id: tokens.user_id, amr: ["pop", "mfa"] });
    nest.clock.advance(6 * BUSY_MACHINE);
    const again = await redeem(body.challenge_id, credential, change);
    const { session_id, refresh_token } = first.body;
    expect(again.body).toMatchObject({ session_id, refresh_token });
  });

  test("refuses a challenge that is unknown, expired, used, or of another client", async () => {
    const { body } = await open();
    const credential = ada.authenticator.get(body.options);
    const expired = [401, "passkey_challenge_expired"];
    const codeOf = ({ status, body: error }: { status: number; body: { code: string } }) => [
      status,
      error.code,
    ];
    expect(codeOf(await redeem("pkchal_none", credential))).toEqual(expired);
    expect(codeOf(await redeem(body.challenge_id, credential, { client_id: WEB }))).toEqual(expired);
    const first = await redeem(body.challenge_id, credential);
    await nest.call(`${V3}get_user`, {}, as(first.body));
    nest.clock.advance(6 * BUSY_MACHINE);
    expect(codeOf(await redeem(body.challenge_id, credential))).toEqual(expired);
    const { body: later } = await open();
    nest.clock.advance(300);
    const late = ada.authenticator.get(later.options);
    expect(codeOf(await redeem(later.challenge_id, late))).toEqual(expired);
  });

  test("one of 50 simultaneous calls with the same signature gets a session", async () => {
    const { body } = await open();
    const credential = ada.authenticator.get(body.options);
    const before = await sessionsOf();
    const replies = await atOnce(() => redeem(body.challenge_id, credential), 50);
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const { status } of replies) expect([200, 401, 429]).toContain(status);
    expect(await sessionsOf()).toBe(before + 1);
  });

  test("gives the same session again if the response was lost, and not while the first call may still be running", async () => {
    const { body } = await open();
    const { authenticator } = await newOwner();
    const credential = authenticator.get(body.options, { counter: 1 });
    const first = await redeem(body.challenge_id, credential);
    expect((await redeem(body.challenge_id, credential)).body.code).toBe("passkey_challenge_expired");
    nest.clock.advance(6 * BUSY_MACHINE);
    const again = await redeem(body.challenge_id, credential);
    const { session_id, refresh_token } = first.body;
    expect(again.body).toMatchObject({ session_id, refresh_token });
  });

  test("is not resumed by another signature, of another passkey or of the same one", async () => {
    const { body } = await open();
    const [owner, other] = [await newOwner(), await newOwner()];
    const signature = owner.authenticator.get(body.options);
    const first = await redeem(body.challenge_id, signature);
    // As if the call had stopped after it stored the redemption, so that no session tells whose it is.
    await nest.collection("sessions").deleteOne({ _id: first.body.session_id });
    nest.clock.advance(6 * BUSY_MACHINE);
    for (const { authenticator } of [other, owner]) {
      const { body: refused } = await redeem(body.challenge_id, authenticator.get(body.options));
      expect(refused.code).toBe("passkey_challenge_expired");
    }
    const again = await redeem(body.challenge_id, signature);
    expect(again.body).toMatchObject({ user_id: owner.userId, session_id: first.body.session_id });
  });

  test("is limited for a network that presents many wrong signatures, or opens many challenges", async () => {
    const environment = { LIMIT_FAILURES_PER_NETWORK: "3", LIMIT_PASSKEY_CHALLENGES_PER_NETWORK: "3" };
    const limited = await startNest({ beside: nest, environment });
    const opened = await atOnce(() => openCeremony(limited), 5);
    expect(opened.filter(({ status }) => status === 429)).toHaveLength(2);
    const { body } = await openCeremony(nest);
    const wrong = ada.authenticator.get(body.options, { origin: "https://evil.example" });
    const failed = await atOnce(() => redeemPasskey(limited, body.challenge_id, wrong), 5);
    expect(failed.filter(({ status }) => status === 429)).toHaveLength(2);
    await limited.stop();
  });
});

describe("the counter of a passkey", () => {
  test("must grow; a copy that falls behind is refused, and the refusal is recorded", async () => {
    const owner = await newOwner();
    const present = (counter: number) => signIn(owner.authenticator, { counter });
    expect((await present(5)).status).toBe(200);
    for (const counter of [5, 4, 0]) expect((await present(counter)).body.code).toBe("passkey_failed");
    expect((await storedFactor(owner))?.passkey).toMatchObject({ counter: 5 });
    expect(await refusals(owner)).toBe(3);
    expect(nest.logLines.filter((line) => line.includes("passkey_counter_refused"))).toHaveLength(3);
    expect((await present(6)).status).toBe(200);
  });

  test("may stay 0 for a passkey that never counts", async () => {
    for (let time = 0; time < 2; time++) expect((await signIn()).status).toBe(200);
  });

  test("lets one of several copies with the same counter in at once", async () => {
    const { authenticator } = await newOwner();
    const opened: Reply[] = [];
    for (let number = 0; number < 5; number++) opened.push(await open());
    const replies = await Promise.all(
      opened.map(({ body }) => redeem(body.challenge_id, authenticator.get(body.options, { counter: 9 }))),
    );
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
  });
});

describe("a passkey as the second factor", () => {
  test("follows a password, with a challenge for the user's own passkeys", async () => {
    const token = await firstStep(nest, ADA);
    const { body } = await open({ mfa_token: token });
    expect(body).toMatchObject({ challenge_id: null, options: { userVerification: "preferred" } });
    expect(body.options.allowCredentials).toMatchObject([{ id: ada.authenticator.id }]);
    const credential = ada.authenticator.get(body.options, { isVerified: false, userHandle: null });
    const reply = await presentFactor(nest, token, { credential });
    expect(reply.body).toMatchObject({ user_id: ada.userId, amr: ["pwd", "pop", "mfa"] });
    expect((await presentFactor(nest, token, { credential })).body.code).toBe("mfa_token_expired");
  });

  test.each(WRONG)("is refused for %s", async (_name, change) => {
    const token = await firstStep(nest, ADA);
    const { body } = await open({ mfa_token: token });
    const credential = ada.authenticator.get(body.options, change);
    const { status, body: error } = await presentFactor(nest, token, { credential });
    expect([status, error.code]).toEqual([401, "mfa_failed"]);
  });

  test("is refused without a challenge, for the challenge of another sign-in, and after it was replaced", async () => {
    const [one, other] = [await firstStep(nest, ADA), await firstStep(nest, ADA)];
    const { body: signIn } = await open();
    const failed = async (token: string, options: object) => {
      const credential = ada.authenticator.get(options);
      expect((await presentFactor(nest, token, { credential })).body.code).toBe("mfa_failed");
    };
    await failed(one, signIn.options);
    const { body: first } = await open({ mfa_token: one });
    await open({ mfa_token: other });
    await failed(other, first.options);
    const { body: second } = await open({ mfa_token: one });
    await failed(one, first.options);
    const credential = ada.authenticator.get(second.options);
    const both = { credential, recovery_code: ada.recoveryCodes[0] };
    expect((await presentFactor(nest, one, both)).body.code).toBe("validation_failed");
    expect((await presentFactor(nest, one, { credential })).status).toBe(200);
  });

  test("makes a stale session fresh", async () => {
    const { body: tokens } = await signIn();
    nest.clock.advance(601);
    const opened = await nest.call(`${V3}create_mfa_challenge`, { client_id: NATIVE }, as(tokens));
    const { mfa_token, factors } = opened.body;
    expect(factors).toEqual([{ id: ada.factorId, factor_type: "webauthn", hint: null }]);
    const { body } = await open({ mfa_token });
    const stepped = await presentFactor(nest, mfa_token, { credential: ada.authenticator.get(body.options) });
    expect(stepped.body).toMatchObject({ refresh_token: null, amr: ["pop", "mfa"] });
  });

  test("is not offered by a client of another domain, which takes a recovery code", async () => {
    const app = nest.gateway.core.app;
    const passkeys = {
      rpId: { local: "acme.example", nonprod: null, prod: null },
      origins: ["https://acme.example"],
    };
    const clients = app.clients.map((client) => (client.id === NATIVE ? { ...client, passkeys } : client));
    const other = await startNest({ beside: nest, app: { ...app, clients } });
    const token = await firstStep(other, ADA);
    expect((await openCeremony(other, { mfa_token: token })).body.code).toBe("factor_not_found");
    expect((await presentFactor(other, token, { recovery_code: ada.recoveryCodes[0] })).status).toBe(200);
    await other.stop();
  });
});
