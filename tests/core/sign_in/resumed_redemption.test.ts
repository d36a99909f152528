import { decodeJwt } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eraseAccount } from "#core/personal_data/personal_data.ts";
import type { Authorization } from "#core/repositories/authorizations.ts";
import { PersonalDocuments } from "#core/repositories/personal_documents.ts";
import { authorizationCode } from "#core/sign_in/grants/authorization_code.ts";
import { loseConnection, openSignInCore, type SignInCore, withMethods } from "#tests/support/altered_core.ts";
import { atOnce } from "#tests/support/concurrency.ts";
import {
  BUSY_MACHINE,
  exchange,
  type Reply,
  startNest,
  type TestNest,
  V2,
  WINDOWS,
} from "#tests/support/nest.ts";

/** No call runs for longer, so after this a redemption can be resumed. */
const RESUMABLE_AFTER_SECONDS = 5;

let nest: TestNest;
beforeAll(async () => {
  nest = await startNest({
    slowdown: BUSY_MACHINE,
    environment: { LIMIT_LINKS_PER_KNOWN_DEVICE: "0", LIMIT_FAILURES_PER_NETWORK: "0" },
  });
});
afterAll(() => nest.stop());

let people = 0;
const newAddress = () => `resumed-${++people}@example.com`;
const idOf = (code: string) => code.split(".")[0] ?? "";
const linkOf = async (code: string) =>
  (await nest.collection("authorizations").findOne({ _id: idOf(code) })) as unknown as Authorization;
const issuedBy = (collection: string, code: string) =>
  nest
    .collection(collection)
    .find({ "rootGrant.value": idOf(code) })
    .toArray();
const getUser = ({ body }: Reply) =>
  nest.call(`${V2}get_user`, { user_id: body.user_id }, { bearer: body.access_token });

/** A link that was redeemed; the response was lost, and the first call can't be running any more. */
async function lostAnswer(address = newAddress()): Promise<{ code: string; lost: Reply }> {
  const code = await nest.emailedCode({ identifier_value: address });
  const lost = await nest.redeem(code);
  expect(lost.status).toBe(200);
  nest.clock.advance(RESUMABLE_AFTER_SECONDS);
  return { code, lost };
}

async function expectSameSignIn(code: string, lost: Reply): Promise<void> {
  const again = await nest.redeem(code);
  expect(again.status).toBe(200);
  expect(again.body.refresh_token).toBe(lost.body.refresh_token);
  expect(again.body.user_id).toBe(lost.body.user_id);
  expect(decodeJwt(again.body.access_token).sid).toBe(decodeJwt(lost.body.access_token).sid);
  expect(await issuedBy("sessions", code)).toHaveLength(1);
  expect(await issuedBy("refresh-tokens", code)).toHaveLength(1);
  expect(await issuedBy("access_tokens", code)).toHaveLength(1);
}

async function expectRefused(code: string, error: string): Promise<void> {
  expect((await nest.redeem(code)).body).toEqual({ code: error });
}

test("returns the same session and refresh token 5 s after a redemption whose response was lost", async () => {
  const { code, lost } = await lostAnswer();
  await expectSameSignIn(code, lost);
  nest.clock.advance(RESUMABLE_AFTER_SECONDS);
  await expectSameSignIn(code, lost);
});

test("returns token_used while the first redemption may still be running", async () => {
  const code = await nest.emailedCode({ identifier_value: newAddress() });
  await nest.redeem(code);
  nest.clock.advance(RESUMABLE_AFTER_SECONDS - 1);
  await expectRefused(code, "token_used");
});

test("the resumed response has a full access token, which works and can be refreshed", async () => {
  const { code } = await lostAnswer();
  nest.clock.advance(15 * 60);
  const again = await nest.redeem(code);
  expect(again.body.expires_in).toBe(3600);
  nest.clock.advance(3590);
  expect((await getUser(again)).status).toBe(200);
  expect((await nest.refresh(again.body.refresh_token)).status).toBe(200);
});

test("returns token_used once the access token was used", async () => {
  const { code, lost } = await lostAnswer();
  expect((await getUser(lost)).status).toBe(200);
  await expectRefused(code, "token_used");
});

test("returns token_used once the refresh token was used, even if the refresh stopped halfway", async () => {
  const { code, lost } = await lostAnswer();
  await nest.refresh(lost.body.refresh_token);
  await expectRefused(code, "token_used");
  const halfway = await lostAnswer();
  const [, id = ""] = halfway.lost.body.refresh_token.split(".");
  const rotation = { successorId: "reftok_1", salt: "00", keyId: "1", usedAt: "2026-01-01", network: "" };
  await nest.gateway.core.refreshTokens.rotate(id, rotation);
  await expectRefused(halfway.code, "token_used");
});

test("returns token_used after the code's 20 minutes", async () => {
  const { code, lost } = await lostAnswer();
  nest.clock.advance(20 * 60 - RESUMABLE_AFTER_SECONDS - 2);
  await expectSameSignIn(code, lost);
  nest.clock.advance(RESUMABLE_AFTER_SECONDS);
  await expectRefused(code, "token_used");
});

test("resumes once when 50 requests race, with one session and one refresh token", async () => {
  const { code, lost } = await lostAnswer();
  const replies = await Promise.all(Array.from({ length: 50 }, () => nest.redeem(code)));
  const resumed = replies.filter(({ status }) => status === 200);
  expect(resumed).toHaveLength(1);
  expect(resumed[0]?.body.refresh_token).toBe(lost.body.refresh_token);
  expect(replies.filter(({ body }) => body.code === "token_used")).toHaveLength(49);
  expect(await issuedBy("sessions", code)).toHaveLength(1);
  expect(await issuedBy("refresh-tokens", code)).toHaveLength(1);
});

test.each([
  ["code_verifier", { code_verifier: "wrong" }],
  ["redirect_uri", { redirect_uri: "https://magic.getbeak.app/callback" }],
  ["client_id", { client_id: WINDOWS }],
])("refuses a wrong %s with token_used; the tenth failure ends the resumption", async (_field, change) => {
  const { code, lost } = await lostAnswer();
  for (let failure = 1; failure <= 9; failure++)
    expect((await nest.redeem(code, change)).body.code).toBe("token_used");
  await expectSameSignIn(code, lost);
  nest.clock.advance(RESUMABLE_AFTER_SECONDS);
  await nest.redeem(code, change);
  await expectRefused(code, "token_used");
  expect((await linkOf(code)).failedRedemptions).toBe(10);
});

test("refuses a wrong secret with token_not_found and does not count it", async () => {
  const { code, lost } = await lostAnswer();
  await expectRefused(`${idOf(code)}.${"0".repeat(64)}`, "token_not_found");
  expect((await linkOf(code)).failedRedemptions).toBe(0);
  await expectSameSignIn(code, lost);
});

test.each([
  [
    "the session was revoked",
    ({ body }: Reply) =>
      nest.call(`${V2}revoke_token`, { client_id: body.client_id, refresh_token: body.refresh_token }),
  ],
  [
    "the refresh token was revoked",
    ({ body }: Reply) =>
      nest.gateway.core.refreshTokens.revoke(body.refresh_token.split(".")[1], "2026-01-01T00:00:00.000Z"),
  ],
  [
    "the user no longer exists",
    ({ body }: Reply) => nest.collection("users").deleteOne({ _id: body.user_id }),
  ],
  [
    "the address was removed from the user",
    ({ body }: Reply) =>
      nest
        .collection("identifiers")
        .updateMany({ userId: body.user_id }, { $set: { removedAt: "2026-01-01T00:00:00.000Z" } }),
  ],
])("returns authorization_not_found if %s, and writes nothing", async (_what, change) => {
  const { code, lost } = await lostAnswer();
  await change(lost);
  const before = await nest.dump();
  await expectRefused(code, "authorization_not_found");
  expect(await nest.dump()).toBe(before);
});

test("returns not_found after the user was erased, and creates no new user", async () => {
  const address = newAddress();
  const { code, lost } = await lostAnswer(address);
  const { core, mongo } = nest.gateway;
  const personalDocuments = new PersonalDocuments(mongo.database);
  await eraseAccount(
    { ...core, stripe: null, personalDocuments },
    { userId: lost.body.user_id, addresses: [] },
  );
  await expectRefused(code, "not_found");
  expect(await nest.collection("identifiers").countDocuments({ identifierValue: address })).toBe(0);
  expect(await issuedBy("sessions", code)).toEqual([]);
});

test("returns token_used after another link of the address signed in at that client", async () => {
  const address = newAddress();
  const { code, lost } = await lostAnswer(address);
  const elsewhere = { identifier_value: address, client_id: WINDOWS };
  await nest.redeem(await nest.emailedCode(elsewhere), { client_id: WINDOWS });
  await expectSameSignIn(code, lost);
  nest.clock.advance(RESUMABLE_AFTER_SECONDS);
  await nest.signIn(address);
  await expectRefused(code, "token_used");
});

test.each([
  ["a trial was started", `${V2}create_trial_and_magic_link`],
  ["another link was requested", "/1/2020-12-14/send_magic_link"],
])("returns the same session and refresh token although %s", async (_what, path) => {
  const address = newAddress();
  const { code, lost } = await lostAnswer(address);
  const device = { platform: "mac", beak_id: address, fingerprint: address };
  const { code: _code, grant_type: _type, code_verifier: _verifier, ...fields } = exchange(code);
  const request = {
    ...{ ...fields, state: "s", code_challenge_method: "S256", code_challenge: "c".repeat(43) },
    ...{ identifier_type: "email", identifier_value: address, device },
  };
  expect((await nest.call(path, request)).status).toBe(204);
  await expectSameSignIn(code, lost);
});

test("returns token_used for links that the previous release redeemed, also if their sign-in failed", async () => {
  for (const sessionId of [null, "session_of_the_previous_release", undefined]) {
    const code = await nest.emailedCode({ identifier_value: newAddress() });
    const usedAt = nest.clock.now().toISOString();
    const fields = { usedAt, othersEndedAt: null, ...(sessionId === undefined ? {} : { sessionId }) };
    await nest.collection("authorizations").updateOne({ _id: idOf(code) }, { $set: fields });
    nest.clock.advance(RESUMABLE_AFTER_SECONDS);
    await expectRefused(code, "token_used");
  }
});

test("returns unavailable while REFRESH_KEYS lacks the key, and the same sign-in once the key is back", async () => {
  const { code, lost } = await lostAnswer();
  const keys = JSON.stringify([{ id: "another", key: "0".repeat(64) }]);
  const without = await startNest({ beside: nest, environment: { REFRESH_KEYS: keys } });
  expect((await without.redeem(code)).body.code).toBe("unavailable");
  await without.stop();
  nest.clock.advance(RESUMABLE_AFTER_SECONDS);
  await expectSameSignIn(code, lost);
});

const redeemOn = (core: SignInCore, code: string) =>
  authorizationCode.redeem(core, exchange(code) as { client_id: string }, {
    requestId: "r",
    ip: "203.0.113.9",
    userAgent: null,
  });

test.each<[string, (core: SignInCore) => SignInCore]>([
  ["identifiers.findWithUser", (core) => withMethods(core, "identifiers", { findWithUser: loseConnection })],
  ["identifiers.insert", (core) => withMethods(core, "identifiers", { insert: loseConnection })],
  ["users.ensure", (core) => withMethods(core, "users", { ensure: loseConnection })],
  ["sessions.insertIfAbsent", (core) => withMethods(core, "sessions", { insertIfAbsent: loseConnection })],
  [
    "accessTokens.insertOrExtend",
    (core) => withMethods(core, "accessTokens", { insertOrExtend: loseConnection }),
  ],
  [
    "refreshTokens.insertIfAbsent",
    (core) => withMethods(core, "refreshTokens", { insertIfAbsent: loseConnection }),
  ],
  ["authorizations.endOthers", (core) => withMethods(core, "authorizations", { endOthers: loseConnection })],
  ["identifiers.verify", (core) => withMethods(core, "identifiers", { verify: loseConnection })],
  [
    "identifiers.rememberDevice",
    (core) => withMethods(core, "identifiers", { rememberDevice: loseConnection }),
  ],
  ["auditLogs.insertMissing", (core) => withMethods(core, "auditLogs", { insertMissing: loseConnection })],
  ["trials.recordRedemption", (core) => withMethods(core, "trials", { recordRedemption: loseConnection })],
])(
  "completes a redemption that lost the database at %s, when it is repeated at once",
  async (_write, broken) => {
    const address = newAddress();
    const other = await nest.emailedCode({ identifier_value: address });
    const code = await nest.emailedCode({ identifier_value: address });
    const ofTrial = { $set: { trialId: "trial_of_link" } };
    await nest.collection("authorizations").updateOne({ _id: code.split(".")[0] as string }, ofTrial);
    await expect(redeemOn(broken(openSignInCore(nest)), code)).rejects.toThrow("the connection was lost");
    const reply = await nest.redeem(code);
    expect(reply.status).toBe(200);
    const { redemption } = await linkOf(code);
    expect(await issuedBy("sessions", code)).toMatchObject([{ _id: redemption?.sessionId, generation: 1 }]);
    expect(await issuedBy("access_tokens", code)).toMatchObject([{ _id: redemption?.accessTokenId }]);
    expect(await issuedBy("refresh-tokens", code)).toMatchObject([{ _id: redemption?.refreshTokenId }]);
    const identifiers = await nest.collection("identifiers").find({ identifierValue: address }).toArray();
    expect(identifiers).toMatchObject([
      { verifiedAt: expect.any(String), knownDevices: [expect.any(String)], userId: reply.body.user_id },
    ]);
    expect(await nest.collection("users").countDocuments({ _id: reply.body.user_id })).toBe(1);
    await expectRefused(other, "authorization_not_found");
    expect((await getUser(reply)).status).toBe(200);
    expect((await nest.refresh(reply.body.refresh_token)).status).toBe(200);
  },
);

test("a redemption that stopped before its session was written can be resumed until another link signs in", async () => {
  const address = newAddress();
  const broken = () => withMethods(openSignInCore(nest), "identifiers", { findWithUser: loseConnection });
  const first = await nest.emailedCode({ identifier_value: address });
  const second = await nest.emailedCode({ identifier_value: address });
  await expect(redeemOn(broken(), first)).rejects.toThrow();
  expect((await nest.redeem(second)).status).toBe(200);
  await expectRefused(first, "token_used");
  expect(await issuedBy("sessions", first)).toEqual([]);
});

test("of 20 simultaneous retries of a failed redemption, exactly one signs in", async () => {
  const code = await nest.emailedCode({ identifier_value: newAddress() });
  const broken = withMethods(openSignInCore(nest), "sessions", { insertIfAbsent: loseConnection });
  await expect(redeemOn(broken, code)).rejects.toThrow("the connection was lost");
  const replies = await atOnce(() => nest.redeem(code), 20);
  expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
  expect(await issuedBy("sessions", code)).toHaveLength(1);
});

test("a failure that can't be recorded reports when the link can be redeemed again", async () => {
  const code = await nest.emailedCode({ identifier_value: newAddress() });
  const first = withMethods(openSignInCore(nest), "sessions", { insertIfAbsent: loseConnection });
  const broken = withMethods(first, "authorizations", { recordFailedRedemption: loseConnection });
  await expect(redeemOn(broken, code)).rejects.toMatchObject({ code: "unavailable", retryAfterSeconds: 6 });
  await expectRefused(code, "token_used");
  nest.clock.advance(RESUMABLE_AFTER_SECONDS);
  expect((await nest.redeem(code)).status).toBe(200);
});

test("a failed redemption responds only after its last write, and leaves links requested later alone", async () => {
  const address = newAddress();
  const code = await nest.emailedCode({ identifier_value: address });
  const { authorizations } = nest.gateway.core;
  const gate = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const first = withMethods(openSignInCore(nest), "sessions", { insertIfAbsent: loseConnection });
  const broken = withMethods(first, "authorizations", {
    async endOthers(...args) {
      started.resolve();
      await gate.promise;
      return authorizations.endOthers(...args);
    },
  });
  let hasResponded = false;
  const redemption = redeemOn(broken, code).catch(() => {
    hasResponded = true;
  });
  await started.promise;
  nest.clock.advance(1);
  const next = await nest.emailedCode({ identifier_value: address });
  expect(hasResponded).toBe(false);
  gate.resolve();
  await redemption;
  expect((await nest.redeem(next)).status).toBe(200);
});

test("the 5 s count from the start of the call, before its first read", async () => {
  const code = await nest.emailedCode({ identifier_value: newAddress() });
  const { authorizations } = nest.gateway.core;
  const slow = withMethods(openSignInCore(nest), "authorizations", {
    async find(id) {
      const found = await authorizations.find(id);
      nest.clock.advance(2);
      return found;
    },
  });
  const lost = await redeemOn(slow, code);
  nest.clock.advance(RESUMABLE_AFTER_SECONDS - 2);
  expect((await nest.redeem(code)).body.refresh_token).toBe(lost.refreshToken);
});

test("returns token_used if another call resumes the redemption between the check and the update", async () => {
  const { code, lost } = await lostAnswer();
  const { authorizations } = nest.gateway.core;
  const slower = withMethods(openSignInCore(nest), "authorizations", {
    async resume(...args) {
      await expectSameSignIn(code, lost);
      return authorizations.resume(...args);
    },
  });
  await expect(redeemOn(slower, code)).rejects.toMatchObject({ code: "token_used" });
});
