import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hashSecret } from "#core/secrets.ts";
import { CodeKey } from "#core/verifications/code_key.ts";
import { newVerification } from "#core/verifications/new_verification.ts";
import { redeemCode, sentCode } from "#tests/support/codes.ts";
import { BUSY_MACHINE, linkRequest, MAC, startNest, type TestNest, V2 } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";

let nest: TestNest;
beforeAll(async () => {
  nest = await startNest({ slowdown: BUSY_MACHINE, environment: { LIMIT_MAILS_PER_HOUR: "0" } });
});
afterAll(() => nest.stop());

const getUser = (bearer: string) => nest.call(`${V3}get_user`, {}, { bearer });

/** A session that no proof of an address started. */
async function tokenOf(user_id: string): Promise<string> {
  const asked = { client_id: MAC, user_id, device: { device_id: "stranger" } };
  const { status, body } = await nest.call(`${V3}issue_token`, asked, { internal: true });
  expect(status).toBe(200);
  return body.access_token;
}

/** A user whose address nobody has proved, with a session, a pending address and an open link. */
async function claim(address: string) {
  const device = { platform: "mac", beak_id: address, fingerprint: address };
  await nest.call(`${V2}create_trial_and_magic_link`, linkRequest({ identifier_value: address, device }));
  const identifier = await nest.collection("identifiers").findOne({ identifierValue: address });
  const userId = String(identifier?.userId);
  const bearer = await tokenOf(userId);
  const { identifiers, passwords, pendingIdentifiers, verifications } = nest.gateway.core;
  await identifiers.rememberDevice(String(identifier?._id), hashSecret("machine of a stranger"));
  const now = nest.clock.now().toISOString();
  const secret = {
    hash: "hash",
    pepperId: "p",
    setBy: "user",
    mustChange: false,
    isProvisional: true,
  } as const;
  await passwords.insert(userId, secret, { now, events: [] });
  const identifierValue = `stranger of ${address}`;
  await pendingIdentifiers.ensure({
    ...{ _id: `userident_${address}`, userId, identifierType: "email", identifierValue },
    ...{ createdAt: nest.clock.now().toISOString(), endedAt: null, endedBy: null },
    purgeAt: new Date("2030-01-01"),
  });
  const { verification } = newVerification(
    { codeKey: new CodeKey(nest.secrets.rateLimitKey) },
    {
      ...{ purpose: "reset_password", clientId: MAC, userId, now: nest.clock.now() },
      target: { type: "email", identity: address, country: null },
      sends: { code: false, redirectUri: "https://app.example/" },
    },
  );
  await verifications.insert(verification);
  return { userId, bearer, tokenHash: verification.tokenHash ?? "" };
}

/** Each names the owner's machine, `b1`. */
const routes = {
  "a magic link": async (address: string) =>
    nest.redeem(await nest.emailedCode({ identifier_value: address })),
  "a code by mail": async (address: string) =>
    redeemCode(nest, await sentCode(nest, { identifier_type: "email", identifier_value: address }), {
      device: { beak_id: "b1" },
    }),
};
const knownDevicesOf = async (address: string) =>
  (await nest.gateway.core.identifiers.findActive("email", address))?.knownDevices;

describe.each(Object.keys(routes) as (keyof typeof routes)[])("%s that proves a claimed address", (route) => {
  const address = `${route.replaceAll(" ", "-")}@example.com`;
  const prove = () => routes[route](address);

  test("drops password, sessions, pending addresses and open links of whoever claimed it, and signs the owner in", async () => {
    const { userId, bearer, tokenHash } = await claim(address);
    expect((await getUser(bearer)).body).toMatchObject({ identifiers: [{ verified_at: null }, {}] });
    const { status, body } = await prove();
    expect([status, body.user_id]).toEqual([200, userId]);
    expect((await getUser(bearer)).status).toBe(401);
    expect((await getUser(body.access_token)).body).toMatchObject({
      email: address,
      identifiers: [{ identifier_value: address, is_primary: true, is_pending: false }],
    });
    const { passwords, verifications } = nest.gateway.core;
    expect(await passwords.findByUser(userId)).toBeNull();
    expect(await verifications.findByToken(tokenHash, nest.clock.now().toISOString())).toBeNull();
    const rows = (await nest.moveEvents()).filter((row) => row.userId === userId);
    const about = (action: string) => rows.filter((row) => row.action === action);
    expect(about("session.revoked")).toMatchObject([{ data: { reason: "address_proved" } }]);
    expect(about("identifier.removed")).toMatchObject([{ target: { id: `userident_${address}` } }]);
    expect(about("identifier.verified")).toHaveLength(1);
  });

  test("forgets the machine of whoever claimed it, and knows the owner's", async () => {
    expect(await knownDevicesOf(address)).toEqual([hashSecret("b1")]);
  });

  test("drops nothing once the address is proved", async () => {
    const { body } = await prove();
    const bearer = await tokenOf(body.user_id);
    const { identifiers } = nest.gateway.core;
    const { _id = "" } = (await identifiers.findActive("email", address)) ?? {};
    await identifiers.rememberDevice(_id, hashSecret("b2"));
    await prove();
    expect(await knownDevicesOf(address)).toEqual([hashSecret("b1"), hashSecret("b2")]);
    expect((await getUser(bearer)).status).toBe(200);
  });
});

test("of first sign-ins with a link and with a code at once, each keeps its session", async () => {
  for (let round = 0; round < 5; round++) {
    const address = `both-${round}@example.com`;
    const { bearer } = await claim(address);
    const mail = { identifier_value: address };
    const [link, code] = [
      await nest.emailedCode(mail),
      await sentCode(nest, { ...mail, identifier_type: "email" }),
    ];
    const replies = await Promise.all([nest.redeem(link), redeemCode(nest, code)]);
    for (const { status, body } of replies) {
      expect(status).toBe(200);
      expect((await getUser(body.access_token)).status).toBe(200);
    }
    expect((await getUser(bearer)).status).toBe(401);
  }
});
