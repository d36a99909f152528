import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "#core/ids.ts";
import { LISTED_SESSIONS, type Session } from "#core/repositories/sessions.ts";
import { BUSY_MACHINE, type Reply, SIMPLE, startNest, type TestNest } from "#tests/support/nest.ts";
import { P2, register, resetPassword, sentReset, signInWith } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";

let nest: TestNest;
beforeAll(async () => {
  nest = await startNest({ slowdown: BUSY_MACHINE });
});
afterAll(() => nest.stop());

const getUser = async ({ body }: Reply) =>
  (await nest.call(`${V3}get_user`, {}, { bearer: body.access_token })).status;
/** Stores newer sessions than the one of a user, as sign-ins with the password do. */
async function addSessions(userId: string, count: number): Promise<void> {
  const session = (await nest
    .collection("sessions")
    .findOne({ userId, revokedAt: null } as object)) as unknown as Session;
  const createdAt = new Date(Date.parse(session.createdAt) + 1000).toISOString();
  const more = Array.from({ length: count }, () => ({ ...session, _id: newId("session"), createdAt }));
  await nest.collection("sessions").insertMany(more as never);
}

/** A stranger registers an address, and starts more sessions than one step ends. */
async function strangerWithSessions(identifier_value: string, count: number): Promise<Reply> {
  const stranger = await register(nest, { identifier_value });
  await addSessions(stranger.body.user_id, count);
  return stranger;
}

test("the first proof of an address refuses the tokens of more sessions than are read at once", async () => {
  const stranger = await strangerWithSessions("proof@x.test", LISTED_SESSIONS + 10);
  await nest.signIn("proof@x.test");
  expect(await getUser(stranger)).toBe(401);
});

test("a reset and revoke_all_sessions read a bounded number of sessions, and refuse the tokens of all", async () => {
  const { user_id } = await nest.signIn("owner@x.test");
  const { token } = await sentReset(nest, { identifier_value: "owner@x.test" });
  expect((await resetPassword(nest, { token })).status).toBe(200);
  const thief = await signInWith(nest, "owner@x.test", P2, { client_id: SIMPLE });
  await addSessions(user_id, LISTED_SESSIONS + 10);
  expect(await nest.gateway.core.sessions.listUnrevoked(user_id)).toHaveLength(LISTED_SESSIONS);
  const owner = await signInWith(nest, "owner@x.test", P2, { client_id: SIMPLE });
  const ended = await nest.call(`${V3}revoke_all_sessions`, {}, { bearer: owner.body.access_token });
  expect(ended.status).toBe(200);
  expect([await getUser(thief), await getUser(owner)]).toEqual([401, 200]);
  await addSessions(user_id, LISTED_SESSIONS + 10);
  const again = await sentReset(nest, { identifier_value: "owner@x.test" });
  expect((await resetPassword(nest, { token: again.token })).status).toBe(200);
  expect(await getUser(owner)).toBe(401);
});
