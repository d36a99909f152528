import { afterAll, beforeAll, expect, test } from "vitest";
import type { Call } from "#core/call.ts";
import { issuer, oauthClients, rateLimiter, refreshKeys, signer } from "#core/parts.ts";
import { redeemAuthorizationCode } from "#core/sign_in/grants/authorization_code.ts";
import { openParts } from "#entry/open_parts.ts";
import { MAC, REDIRECT, startNest, type TestNest, V2, VERIFIER } from "#tests/support/nest.ts";

let nest: TestNest;
beforeAll(async () => {
  nest = await startNest();
});
afterAll(() => nest.stop());

const openedCore = () => openParts(nest.gateway, { issuer, oauthClients, rateLimiter, refreshKeys, signer });
type Opened = ReturnType<typeof openedCore>;

/** A core in one of whose rooms some steps go another way. */
function altered<
  Room extends "accessTokens" | "authorizations" | "identifiers" | "refreshTokens" | "sessions" | "trials",
>(core: Opened, room: Room, steps: Partial<Opened[Room]>): Opened {
  const target = core[room];
  const get = (_object: object, name: string) => {
    const value = Reflect.get(steps, name) ?? Reflect.get(target, name, target);
    return typeof value === "function" ? value.bind(target) : value;
  };
  return { ...core, [room]: new Proxy(target, { get } as ProxyHandler<Opened[Room]>) };
}

const cut = async (): Promise<never> => {
  throw Object.assign(new Error("the connection was cut"), { name: "MongoNetworkError" });
};

const redeemOn = (core: Opened, code: string, call: Partial<Call> = {}) =>
  redeemAuthorizationCode(
    core,
    { clientId: MAC, code, codeVerifier: VERIFIER, redirectUri: REDIRECT },
    { requestId: "r", ip: "203.0.113.9", userAgent: null, deadline: Date.now() + 4500, ...call },
  );

/** As a process leaves a link behind that died when it had spent it. */
async function spendForNothing(code: string): Promise<void> {
  const [id = ""] = code.split(".");
  await nest.gateway.core.authorizations.redeem(id, "session_none", nest.clock.now().toISOString());
  nest.clock.advance(6);
}

const sessionsOf = (code: string) =>
  nest.collection("sessions").countDocuments({ "rootGrant.value": code.split(".")[0] });
const tokensOf = async (code: string) => {
  const found = await Promise.all(
    ["access_tokens", "refresh-tokens"].map((name) =>
      nest
        .collection(name)
        .find({ "rootGrant.value": code.split(".")[0] })
        .toArray(),
    ),
  );
  return found.flat();
};

test("a link that a dead process spent signs in after all, but not once another link did", async () => {
  const sent = { identifier_value: "dead@example.com" };
  const first = await nest.emailedCode(sent);
  await spendForNothing(first);
  expect((await nest.redeem(first)).status).toBe(200);
  const second = await nest.emailedCode(sent);
  const third = await nest.emailedCode(sent);
  await spendForNothing(second);
  expect((await nest.redeem(third)).status).toBe(200);
  expect((await nest.redeem(second)).body.code).toBe("token_used");
  expect(await sessionsOf(second)).toBe(0);
});

test("a redemption that is undone while another link signs in leaves no open link behind", async () => {
  const sent = { identifier_value: "beside@example.com" };
  const first = await nest.emailedCode(sent);
  const second = await nest.emailedCode(sent);
  const { authorizations } = nest.gateway.core;
  const beside = altered(openedCore(), "authorizations", {
    async redeem(...args) {
      const spent = await authorizations.redeem(...args);
      expect((await nest.redeem(second)).status).toBe(200);
      return spent;
    },
  });
  const core = altered(beside, "trials", { recordSignIn: cut });
  await expect(redeemOn(core, first)).rejects.toThrow("cut");
  expect((await nest.redeem(first)).body.code).toBe("token_used");
  expect(await sessionsOf(first)).toBe(0);
});

test("a redemption that came to nothing leaves neither session nor tokens, and can be made again at once", async () => {
  const code = await nest.emailedCode({ identifier_value: "undone@example.com" });
  await expect(redeemOn(altered(openedCore(), "trials", { recordSignIn: cut }), code)).rejects.toThrow("cut");
  expect([await sessionsOf(code), await tokensOf(code)]).toEqual([0, []]);
  expect((await nest.redeem(code)).status).toBe(200);
});

/** A core that loses the database at one of its steps, and does not have it back when it would undo the others. */
function losing<Room extends "authorizations" | "trials">(room: Room, steps: Partial<Opened[Room]>): Opened {
  const tokens = { discardBySession: cut };
  const core = altered(altered(openedCore(), "accessTokens", tokens), "refreshTokens", tokens);
  return altered(altered(core, "sessions", { discard: cut }), room, steps);
}

test.each([
  ["other link to end", () => losing("authorizations", { revokeOthers: cut })],
  ["trial to record it in", () => losing("trials", { recordSignIn: cut })],
])("a redemption that loses the database where there is no %s can be made again", async (what, lost) => {
  const code = await nest.emailedCode({ identifier_value: `no ${what}@example.com`.replaceAll(" ", "-") });
  await expect(redeemOn(lost(), code)).rejects.toThrow("cut");
  nest.clock.advance(6);
  expect((await nest.redeem(code)).status).toBe(200);
  expect([await sessionsOf(code), (await tokensOf(code)).length]).toEqual([1, 2]);
});

test("tokens that a lost redemption left behind are gone once the link is redeemed", async () => {
  const code = await nest.emailedCode({ identifier_value: "orphans@example.com" });
  const core = altered(openedCore(), "sessions", { insert: cut, discard: cut });
  await expect(redeemOn(core, code)).rejects.toThrow("cut");
  nest.clock.advance(6);
  expect((await nest.redeem(code)).status).toBe(200);
  expect(new Set((await tokensOf(code)).map(({ sessionId }) => sessionId)).size).toBe(1);
});

test("a spending that is still under way when the call fails is undone too", async () => {
  const code = await nest.emailedCode({ identifier_value: "slow@example.com" });
  const { authorizations } = nest.gateway.core;
  const spent = Promise.withResolvers<void>();
  const slow = altered(openedCore(), "authorizations", {
    async redeem(...args) {
      for (let trip = 0; trip < 8; trip++) await authorizations.find(args[0]);
      return authorizations.redeem(...args).finally(spent.resolve);
    },
  });
  await expect(redeemOn(altered(slow, "identifiers", { findActive: cut }), code)).rejects.toThrow("cut");
  await spent.promise;
  expect((await nest.redeem(code)).status).toBe(200);
});

test("a link that is given back between the look at it and its spending is spent", async () => {
  const code = await nest.emailedCode({ identifier_value: "given@example.com" });
  await spendForNothing(code);
  const { authorizations } = nest.gateway.core;
  const core = altered(openedCore(), "authorizations", {
    async redeem(...args) {
      await authorizations.giveBack(args[0], "session_none");
      return authorizations.redeem(...args);
    },
  });
  await redeemOn(core, code);
  expect(await sessionsOf(code)).toBe(1);
});

test("a sign-in that is too late to be answered is not counted as one", async () => {
  const code = await nest.emailedCode({ identifier_value: "late@example.com" });
  const before = nest.logged("signed_in").length;
  await expect(redeemOn(openedCore(), code, { deadline: Date.now() })).rejects.toMatchObject({
    code: "unavailable",
  });
  expect(nest.logged("signed_in")).toHaveLength(before);
  expect((await nest.redeem(code)).status).toBe(200);
});

test("a link that was being stored beside a sign-in does not make that one look lost", async () => {
  const sent = { identifier_value: "storing@example.com" };
  const code = await nest.emailedCode(sent);
  const other = await nest.emailedCode(sent);
  const { body } = await nest.redeem(code);
  // It began before the sign-in, and was stored after that had revoked what was there.
  await nest
    .collection("authorizations")
    .updateOne({ _id: other.split(".")[0] ?? "" }, { $set: { revokedAt: null } });
  nest.clock.advance(6);
  expect((await nest.redeem(code)).body.code).toBe("token_used");
  const options = { bearer: body.access_token };
  expect((await nest.call(`${V2}get_user`, { user_id: body.user_id }, options)).status).toBe(200);
});
