import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { startNest, type TestClock, type TestNest, V2 } from "#tests/support/nest.ts";

const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;

/** A clock that only moves when it is advanced, so that an exact millisecond can be tested. */
let now = 0;
const clock: TestClock = {
  now: () => new Date(now),
  advance(seconds) {
    now += seconds * 1000;
  },
};
let nest: TestNest;
beforeAll(async () => {
  nest = await startNest({ clock });
});
// A whole second, since the exp claim has no smaller unit.
beforeEach(() => {
  now = Math.floor(Date.now() / 1000) * 1000;
});
afterAll(() => nest.stop());

test.each([
  [-1, 200],
  [0, 400],
])("a code %i ms after its 20 minutes: status %i", async (offset, status) => {
  const code = await nest.emailedCode();
  now += 20 * 60_000 + offset;
  const reply = await nest.redeem(code);
  expect({ status: reply.status, code: reply.body.code }).toEqual({
    status,
    code: status === 200 ? undefined : "token_expired",
  });
});

test.each([
  [-1, 200],
  [0, 401],
])("an access token %i ms after its hour: status %i", async (offset, status) => {
  const { user_id, access_token } = await nest.signIn();
  now += HOUR_MS + offset;
  const reply = await nest.call(`${V2}get_user`, { user_id }, { bearer: access_token });
  expect({ status: reply.status, code: reply.body.reasons?.[0].code }).toEqual({
    status,
    code: status === 200 ? undefined : "token_expired",
  });
});

test("an access token expires by its claim even if its record expires later", async () => {
  const { user_id, access_token } = await nest.signIn();
  await nest.collection("access_tokens").updateMany({}, { $set: { expiresAt: "2999-01-01T00:00:00.000Z" } });
  now += HOUR_MS;
  const reply = await nest.call(`${V2}get_user`, { user_id }, { bearer: access_token });
  expect(reply.body.reasons).toEqual([{ code: "token_expired" }]);
});

test.each([
  [-1, 200],
  [0, 400],
])("a refresh token %i ms after its 365 days: status %i", async (offset, status) => {
  const { refresh_token } = await nest.signIn();
  now += YEAR_MS + offset;
  const reply = await nest.refresh(refresh_token);
  expect({ status: reply.status, code: reply.body.code }).toEqual({
    status,
    code: status === 200 ? undefined : "token_expired",
  });
});

test.each([
  [0, 200],
  [1, 400],
])("a second refresh %i ms after the 10 s grace: status %i", async (offset, status) => {
  const tokens = await nest.signIn();
  const { body: next } = await nest.refresh(tokens.refresh_token);
  await nest.call(`${V2}get_user`, { user_id: next.user_id }, { bearer: next.access_token });
  now += 10_000 + offset;
  const reply = await nest.refresh(tokens.refresh_token);
  expect({ status: reply.status, code: reply.body.code }).toEqual({
    status,
    code: status === 200 ? undefined : "token_used",
  });
});

test("each refresh extends the session by a year and updates lastUsedAt", async () => {
  const tokens = await nest.signIn("lives-on@example.com");
  now += YEAR_MS - HOUR_MS;
  expect((await nest.refresh(tokens.refresh_token)).status).toBe(200);
  expect(await nest.collection("sessions").findOne({ userId: tokens.user_id })).toMatchObject({
    lastUsedAt: new Date(now).toISOString(),
    expiresAt: new Date(now + YEAR_MS).toISOString(),
    purgeAt: new Date(now + YEAR_MS + 30 * 24 * HOUR_MS),
    generation: 2,
  });
});
