import type { MongoClient } from "mongodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { linkRequest, startNest, type TestNest, type Tokens, V1, V2 } from "#tests/support/nest.ts";
import { warmConnections } from "#tests/support/trips.ts";

let nest: TestNest;
let ada: Tokens;
beforeAll(async () => {
  nest = await startNest();
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

// docs/scale.md has these numbers: they bound the connections of a deployment.
test.each<[string, number, () => Promise<{ status: number }>]>([
  ["get_user", 1, () => nest.call(`${V2}get_user`, own(), bearer())],
  ["get_subscription_status", 1, () => nest.call(`${V2}get_subscription_status`, own(), bearer())],
  [
    "set_marketing_consent",
    1,
    () => nest.call(`${V1}set_marketing_consent`, { ...own(), level: "general" }, bearer()),
  ],
  ["list_sessions", 2, () => nest.call(`${V2}list_sessions`, own(), bearer())],
  ["send_magic_link", 2, () => nest.call(`${V1}send_magic_link`, linkRequest())],
])("a call of %s uses at most %i connections", async (_method, connections, work) => {
  expect(await connectionsOf(nest.gateway.mongo.client, work)).toBe(connections);
});

test("authenticate_user uses at most 7 connections with a code and 3 with a refresh token", async () => {
  const { client } = nest.gateway.mongo;
  const device = { platform: "mac", beak_id: "a new device", fingerprint: "f" };
  for (const identifier_value of ["ada@example.com", "new@example.com"]) {
    const code = await nest.emailedCode({ identifier_value, device });
    expect(await connectionsOf(client, () => nest.redeem(code))).toBeLessThanOrEqual(7);
  }
  const { refresh_token } = await nest.signIn("refresh@example.com");
  expect(await connectionsOf(client, () => nest.refresh(refresh_token))).toBe(3);
});
