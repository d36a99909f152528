import { afterAll, beforeAll, expect, test } from "vitest";
import { recordMailEvent } from "#core/messages/mail_events.ts";
import { startNest, type TestNest } from "#tests/support/nest.ts";
import { givePassword, P1, P2, registerFirst, signInWith } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";

let nest: TestNest;
beforeAll(async () => {
  nest = await startNest();
});
afterAll(() => nest.stop());

const historyOf = async (user_id: string) =>
  (await nest.call(`${V3}get_sign_in_history`, { user_id }, { internal: true })).body;
const blocksOf = async (user_id: string) => (await historyOf(user_id)).blocks;
const change = (method: string, body: object) => nest.call(`${V3}${method}`, body, { internal: true });

test("tells the cause of failed sign-ins and the pause after wrong passwords, until a right one", async () => {
  const user_id = await givePassword(nest, "paused@example.com");
  expect(await blocksOf(user_id)).toEqual([]);
  for (let failure = 0; failure < 10; failure++) await signInWith(nest, "paused@example.com", P2);
  const { events, blocks } = await historyOf(user_id);
  expect(events.filter(({ code }: { code: string }) => code === "user.sign_in_failed")).toHaveLength(10);
  expect(events[0].text).toBe("a sign-in failed: the password was wrong (invalid_credentials)");
  expect(blocks).toEqual([
    {
      ...{ code: "passwords_paused", about: expect.stringMatching(/^userident_/) },
      ...{ until: expect.any(String), text: expect.stringContaining("links and codes still work") },
    },
  ]);
  const wait = Date.parse(blocks[0].until) - Date.now();
  expect(wait).toBeGreaterThan(0);
  expect(wait).toBeLessThanOrEqual(30_000);
  await nest.collection("limit-windows").deleteMany({});
  expect(await blocksOf(user_id)).toEqual([]);
});

test("tells that a password is locked, until the user sets another one", async () => {
  const user_id = await givePassword(nest, "locked@example.com");
  await nest.collection("passwords").updateOne({ userId: user_id }, { $set: { failedCount: 100 } });
  await signInWith(nest, "locked@example.com", P1);
  const { events, blocks } = await historyOf(user_id);
  expect(events[0].text).toContain("the password is locked after 100 wrong ones");
  expect(blocks).toMatchObject([{ code: "password_locked", about: user_id, until: null }]);
  await nest.collection("passwords").updateOne({ userId: user_id }, { $set: { failedCount: 0 } });
  expect(await blocksOf(user_id)).toEqual([]);
});

test("tells that a user is disabled, and later deleted, and nothing else", async () => {
  const user_id = await givePassword(nest, "gone@example.com");
  await change("update_user", { user_id, status: "disabled" });
  await signInWith(nest, "gone@example.com", P1);
  const { events, blocks } = await historyOf(user_id);
  expect(blocks).toMatchObject([{ code: "user_disabled", about: user_id, until: null }]);
  const failed = events.find(({ code }: { code: string }) => code === "user.sign_in_failed");
  expect(failed.text).toBe("a sign-in failed: the user was disabled (invalid_credentials)");
  await change("delete_user", { user_id });
  expect(await blocksOf(user_id)).toMatchObject([{ code: "user_deleted", about: user_id, until: null }]);
});

test("tells what was sent to a person who registered and has no user yet", async () => {
  const address = "later@example.com";
  const asked = (body: object) => nest.call(`${V3}get_sign_in_history`, body, { internal: true });
  await registerFirst(nest, { identifier_value: address });
  const addresses = { destination: [address], reported: [address] };
  const bounce = { eventId: "e2", type: "bounce", isPermanent: true, subType: "General" } as const;
  const occurredAt = nest.clock.now();
  await recordMailEvent(nest.gateway.core, { ...bounce, addresses, messageId: "m2", occurredAt });
  const { body } = await asked({ address: " Later@Example.com " });
  expect(body).toMatchObject({ user_id: null, blocks: [{ code: "mail_suppressed", about: address }] });
  const texts = body.events.map(({ text }: { text: string }) => text);
  expect(texts).toContain("requested a message to sign up");
  expect(texts).toContainEqual(expect.stringContaining("a mail was returned"));
  const { user_id } = await nest.signIn("known@example.com");
  expect((await asked({ address: "known@example.com" })).body).toMatchObject({ user_id, blocks: [] });
  expect((await asked({ address: "+15550100" })).body).toEqual({ user_id: null, events: [], blocks: [] });
  for (const body of [{}, { user_id, address }])
    expect((await asked(body)).body.code).toBe("validation_failed");
  expect((await asked({ address: "no@domain" })).body.code).toBe("invalid_email");
});

test("tells for a day that mail to an address is suppressed", async () => {
  const address = "full@example.com";
  const { user_id } = await nest.signIn(address);
  const occurredAt = nest.clock.now();
  const addresses = { destination: [address], reported: [address] };
  const bounce = { eventId: "e1", type: "bounce", isPermanent: true, subType: "General" } as const;
  await recordMailEvent(nest.gateway.core, { ...bounce, addresses, messageId: "m1", occurredAt });
  const until = new Date(occurredAt.getTime() + 86_400_000).toISOString();
  expect(await blocksOf(user_id)).toMatchObject([{ code: "mail_suppressed", until }]);
  nest.clock.advance(86_400);
  expect(await blocksOf(user_id)).toEqual([]);
});
