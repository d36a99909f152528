import type { MongoClient } from "mongodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { askForCode, redeemCode, sentCode } from "#tests/support/codes.ts";
import { askToVerify, email, sentSecret, verify } from "#tests/support/identifiers.ts";
import {
  codeIn,
  linkRequest,
  SIMPLE,
  startNest,
  type TestNest,
  type Tokens,
  V1,
  V2,
} from "#tests/support/nest.ts";
import {
  askForReset,
  givePassword,
  P1,
  P2,
  register,
  registerFirst,
  resetPassword,
  sentReset,
  setPassword,
  signInWith,
} from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";
import { setRoles } from "#tests/support/roles.ts";
import { warmConnections } from "#tests/support/trips.ts";

let nest: TestNest;
let ada: Tokens;
beforeAll(async () => {
  // Below 1,000, every link is in the sample of the limit of the deployment.
  nest = await startNest({ environment: { LIMIT_MAILS_PER_HOUR: "900" } });
  ada = await nest.signIn();
  nest.stripe.createSubscription({ email: "ada@example.com" });
  await nest.deliverEvents();
  await nest.call(`${V2}get_user`, { user_id: ada.user_id }, { bearer: ada.access_token });
  await warmConnections(nest.gateway.mongo.client, 16);
});
afterAll(() => nest.stop());

/** The most connections that some work used at the same time. */
async function connectionsOf(client: MongoClient, work: () => Promise<{ status: number }>): Promise<number> {
  let used = 0;
  let most = 0;
  const out = () => {
    used++;
    most = Math.max(most, used);
  };
  const back = () => used--;
  client.on("connectionCheckedOut", out).on("connectionCheckedIn", back);
  const { status } = await work();
  client.off("connectionCheckedOut", out).off("connectionCheckedIn", back);
  expect(status).toBeLessThan(300);
  return most;
}

const own = () => ({ user_id: ada.user_id });
const bearer = () => ({ bearer: ada.access_token });

type Work = () => Promise<{ status: number }>;
let choices = 0;
/** Each call changes the level, because a call that does not change it writes nothing. */
const setConsent = () => {
  const level = choices++ % 2 === 0 ? "general" : "none";
  return nest.call(`${V1}set_marketing_consent`, { ...own(), level }, bearer());
};

// docs/scale.md has these numbers: they bound the connections of a deployment.
describe.each<[method: string, usual: number, first: number, work: Work]>([
  ["get_user", 1, 2, () => nest.call(`${V2}get_user`, own(), bearer())],
  ["get_user of 2026-12-01", 1, 2, () => nest.call(`${V3}get_user`, {}, bearer())],
  ["get_subscription_status", 1, 2, () => nest.call(`${V2}get_subscription_status`, own(), bearer())],
  [
    "get_subscription_status of 2020-12-14",
    1,
    2,
    () => nest.call(`${V1}get_subscription_status`, undefined, bearer()),
  ],
  ["set_marketing_consent", 1, 3, setConsent],
  ["get_marketing_consent", 1, 2, () => nest.call(`${V1}get_marketing_consent`, own(), bearer())],
  ["list_sessions of 2026-12-01", 2, 2, () => nest.call(`${V3}list_sessions`, {}, bearer())],
  ["revoke_all_sessions", 1, 3, () => nest.call(`${V3}revoke_all_sessions`, {}, bearer())],
  ["list_sessions", 2, 2, () => nest.call(`${V2}list_sessions`, own(), bearer())],
])("a call of %s", (_method, usual, first, work) => {
  test(`uses ${usual} connection(s) at the same time`, async () => {
    expect(await connectionsOf(nest.gateway.mongo.client, work)).toBe(usual);
  });

  test(`uses ${first} connections at the same time as the first call after a refresh`, async () => {
    ada = (await nest.refresh(ada.refresh_token)).body;
    expect(await connectionsOf(nest.gateway.mongo.client, work)).toBe(first);
    expect(await connectionsOf(nest.gateway.mongo.client, work)).toBe(usual);
  });
});

test.each([
  ["sign-in", 2],
  ["refresh", 3],
])("the first status call of a trial after a %s uses %i connections", async (kind, connections) => {
  const address = `trial-${kind}@example.com`;
  expect(await nest.startTrial(address, "203.0.113.9")).toBe("204");
  let { body: bob } = await nest.redeem(codeIn(nest.lastMail(address)));
  if (kind === "refresh") bob = (await nest.refresh(bob.refresh_token)).body;
  const status = () =>
    nest.call(`${V2}get_subscription_status`, { user_id: bob.user_id }, { bearer: bob.access_token });
  expect(await connectionsOf(nest.gateway.mongo.client, status)).toBe(connections);
});

test("send_magic_link uses 3 connections", async () => {
  const ask = () => nest.call(`${V1}send_magic_link`, linkRequest());
  expect(await connectionsOf(nest.gateway.mongo.client, ask)).toBe(3);
});

test("send_otp uses 3 connections by mail, 2 by SMS, and its code 6", async () => {
  const { client } = nest.gateway.mongo;
  const mail = { identifier_type: "email", identifier_value: "ada@example.com" };
  expect(await connectionsOf(client, () => askForCode(nest, mail))).toBe(3);
  expect(await connectionsOf(client, () => askForCode(nest))).toBe(2);
  const sent = await sentCode(nest);
  expect(await connectionsOf(client, () => redeemCode(nest, sent))).toBeLessThanOrEqual(6);
});

test("authenticate_user uses at most 7 connections with a password", async () => {
  await givePassword(nest, "secretive@example.com");
  const { client } = nest.gateway.mongo;
  expect(await connectionsOf(client, () => signInWith(nest, "secretive@example.com"))).toBeLessThanOrEqual(7);
});

test("issue_token uses 2 connections", async () => {
  const asked = { client_id: ada.client_id, user_id: ada.user_id, device: { device_id: "d" } };
  const issue = () => nest.call(`${V3}issue_token`, asked, { internal: true });
  expect(await connectionsOf(nest.gateway.mongo.client, issue)).toBe(2);
});

test("create_trial_and_magic_link uses 6 connections", async () => {
  const device = { platform: "mac", beak_id: "new", fingerprint: "new" };
  const body = linkRequest({ identifier_value: "new-trial@example.com", device });
  const ask = () => nest.call(`${V2}create_trial_and_magic_link`, body);
  expect(await connectionsOf(nest.gateway.mongo.client, ask)).toBe(6);
});

test("authenticate_user uses at most 8 connections with a code and 3 with a refresh token", async () => {
  const { client } = nest.gateway.mongo;
  const device = { platform: "mac", beak_id: "a new device", fingerprint: "f" };
  for (const identifier_value of ["ada@example.com", "new@example.com"]) {
    const code = await nest.emailedCode({ identifier_value, device });
    expect(await connectionsOf(client, () => nest.redeem(code))).toBeLessThanOrEqual(8);
  }
  const { refresh_token } = await nest.signIn("refresh@example.com");
  expect(await connectionsOf(client, () => nest.refresh(refresh_token))).toBe(3);
});

test("resets, verification and passwords use at most 5 connections, and register_user 8", async () => {
  const { client } = nest.gateway.mongo;
  const used: Record<string, number> = {};
  const take = async (method: string, work: Work) => {
    used[method] = Math.max(used[method] ?? 0, await connectionsOf(client, work));
  };
  const address = { identifier_value: "connected@example.com" };
  await take("register_user", () => registerFirst(nest, address));
  await take("register_user", () => register(nest, address));
  await take("send_password_reset", () => askForReset(nest, address));
  const { token } = await sentReset(nest, address);
  await take("check_verification", () => nest.call(`${V3}check_verification`, { client_id: SIMPLE, token }));
  await take("reset_password", () => resetPassword(nest, { token }));
  const { body: user } = await signInWith(nest, address.identifier_value, P2);
  const added = email("connected.too@example.com");
  await take("send_verification", () => askToVerify(nest, user, added));
  const { proof } = await sentSecret(nest, user, added);
  await take("verify_identifier", () => verify(nest, proof));
  await take("set_password", () => setPassword(nest, user, { password: P1, current_password: P2 }));
  const bounds = {
    ...{ check_verification: 1, verify_identifier: 2, send_password_reset: 3, send_verification: 5 },
    // On a slow machine, reset_password opens a fifth while the fourth is not free yet.
    ...{ reset_password: 5, set_password: 4, register_user: 8 },
  };
  for (const [method, bound] of Object.entries(bounds))
    expect(used[method], method).toBeLessThanOrEqual(bound);
});

test("methods for administrators use 1 connection, and list_users 3", async () => {
  const { client } = nest.gateway.mongo;
  const { user_id, access_token: bearer } = await nest.signIn("connected.admin@example.com");
  await setRoles(nest, user_id, ["admin"]);
  await nest.call(`${V3}get_user`, {}, { bearer });
  const role = { scope: "platform", key: "connected" };
  const used: Record<string, number> = {};
  for (const [method, body] of [
    ["list_roles", {}],
    ["list_users", { query: "ada" }],
    ["set_role", { ...role, name: "Desk", level: 10, capabilities: [] }],
    ["set_user_roles", { ...own(), roles: ["support"] }],
    ["update_user", { ...own(), name: "Ada" }],
    ["delete_role", role],
  ] as const)
    used[method] = await connectionsOf(client, () => nest.call(`${V3}${method}`, body, { bearer }));
  const { list_users, ...others } = used;
  // Verified, unproved and removed addresses are searched at once.
  expect(list_users).toBe(3);
  expect(Object.values(others)).toEqual([1, 1, 1, 1, 1]);
});
