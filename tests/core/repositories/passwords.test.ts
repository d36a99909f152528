import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { BY_OPERATOR } from "#core/events/event_source.ts";
import { recordEvent } from "#core/events/record_event.ts";
import { derivedIdOf, newId } from "#core/ids.ts";
import { createIndexes } from "#core/repositories/index_setup.ts";
import { PasswordRepository } from "#core/repositories/passwords.ts";
import { FAILED_PASSWORDS_LIMIT } from "#core/repositories/refused_because.ts";
import { openFreshDatabase } from "#tests/support/database.ts";

let opened: Awaited<ReturnType<typeof openFreshDatabase>>;
let passwords: PasswordRepository;
beforeAll(async () => {
  opened = await openFreshDatabase();
  await createIndexes(opened.database);
  passwords = new PasswordRepository(opened.database);
});
afterAll(() => opened[Symbol.asyncDispose]());

let user: string;
beforeEach(() => {
  user = newId("user");
});

const AT = "2026-12-01T12:00:00.000Z";
const later = (seconds: number) => new Date(Date.parse(AT) + seconds * 1000).toISOString();
const hashed = (hash: string) => ({ hash, pepperId: "1", setBy: "user" as const, mustChange: false });
const RACERS = 20;
const racers = Array.from({ length: RACERS }, (_, index) => index);
const find = () => passwords.findByUser(user);

test("stores one of the first passwords of a user when many calls race", async () => {
  const stored = await Promise.all(
    racers.map((index) => passwords.insert(user, hashed(`hash ${index}`), { now: AT, events: [] })),
  );
  expect(stored.filter(Boolean)).toHaveLength(1);
  expect(await find()).toEqual({
    ...{
      _id: derivedIdOf(user, "password"),
      userId: user,
      ...hashed(`hash ${stored.indexOf(true)}`),
    },
    ...{ isProvisional: false, failedCount: 0, createdAt: AT, updatedAt: AT },
  });
});

test("replaces a password once when many calls that read it race", async () => {
  await passwords.insert(user, hashed("first"), { now: AT, events: [] });
  const replaced = await Promise.all(
    racers.map((index) =>
      passwords.replace({ userId: user, setAt: AT }, hashed(`hash ${index}`), {
        now: later(index + 1),
        events: [],
      }),
    ),
  );
  expect(replaced.filter(Boolean)).toHaveLength(1);
  expect((await find())?.hash).toBe(`hash ${replaced.indexOf(true)}`);
});

test("replacing ends a lock and carries its events", async () => {
  await passwords.insert(user, hashed("first"), { now: AT, events: [] });
  for (let count = 0; count < FAILED_PASSWORDS_LIMIT; count++) await passwords.countPresented(user);
  expect(await passwords.countPresented(user)).toBeNull();
  const about = { userId: user, target: { type: "user", id: user } as const, data: {} };
  const event = recordEvent("user.deleted", about, BY_OPERATOR, later(1));
  await passwords.replace({ userId: user, setAt: AT }, hashed("second"), { now: later(1), events: [event] });
  expect(await find()).toMatchObject({
    ...{ hash: "second", failedCount: 0, createdAt: AT, updatedAt: later(1) },
    ...{ events: [event], eventsDueAt: later(1) },
  });
  expect(await passwords.countPresented(user)).toMatchObject({ failedCount: 1 });
});

test("lets at most 100 presented passwords be compared when many calls race", async () => {
  await passwords.insert(user, hashed("first"), { now: AT, events: [] });
  const calls = Array.from({ length: FAILED_PASSWORDS_LIMIT + 50 }, () => passwords.countPresented(user));
  const counts = (await Promise.all(calls)).flatMap((found) => (found ? [found.failedCount] : []));
  expect(counts.sort((one, other) => one - other)).toEqual(
    Array.from({ length: FAILED_PASSWORDS_LIMIT }, (_, index) => index + 1),
  );
});

test("counts from the start after a right password, which is stored as new passwords are hashed", async () => {
  await passwords.insert(user, hashed("first"), { now: AT, events: [] });
  await passwords.countPresented(user);
  const presented = await passwords.countPresented(user);
  expect(presented).toMatchObject({ failedCount: 2 });
  const rehashed = { hash: "again", pepperId: "2" };
  expect(await passwords.acceptPresented({ userId: user, updatedAt: AT }, rehashed)).toBe(true);
  expect(await find()).toMatchObject({ ...rehashed, failedCount: 0, updatedAt: AT });
});

test("does not accept a password that was replaced since it was read", async () => {
  await passwords.insert(user, hashed("first"), { now: AT, events: [] });
  await passwords.replace({ userId: user, setAt: AT }, hashed("second"), { now: later(1), events: [] });
  const old = { hash: "first again", pepperId: "2" };
  expect(await passwords.acceptPresented({ userId: user, updatedAt: AT }, old)).toBe(false);
  expect((await find())?.hash).toBe("second");
});
