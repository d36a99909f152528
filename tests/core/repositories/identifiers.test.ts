import { afterAll, beforeAll, expect, test } from "vitest";
import { BY_OPERATOR } from "#core/events/event_source.ts";
import { identifierRemoved, identifierVerified } from "#core/events/identifier_events.ts";
import { type Identifier, IdentifierRepository } from "#core/repositories/identifiers.ts";
import { createIndexes } from "#core/repositories/index_setup.ts";
import { atOnce, moment, rounds, UNIQUE_ROUNDS } from "#tests/support/concurrency.ts";
import { openFreshDatabase } from "#tests/support/database.ts";

let opened: Awaited<ReturnType<typeof openFreshDatabase>>;
let identifiers: IdentifierRepository;
beforeAll(async () => {
  opened = await openFreshDatabase();
  await createIndexes(opened.database);
  identifiers = new IdentifierRepository(opened.database);
});
afterAll(() => opened[Symbol.asyncDispose]());

const identifier = (_id: string, identifierValue: string): Identifier => ({
  _id,
  userId: `user of ${_id}`,
  identifierType: "email",
  identifierValue,
  createdAt: moment(0),
  updatedAt: null,
  verifiedAt: null,
  removedAt: null,
  knownDevices: [],
});

const verify = (_id: string, second: number) => {
  const proved = { _id, userId: `user of ${_id}`, identifierType: "email" } as const;
  return identifiers.verify(_id, moment(second), [identifierVerified(proved, BY_OPERATOR, moment(second))]);
};

test("gives an address to one of many racing calls, and the others find its identifier", async () => {
  await rounds(async (round) => {
    const address = `claimed-${round}@example.com`;
    const won = await atOnce((caller) => identifiers.insert(identifier(`${round}-${caller}`, address)));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await identifiers.findActive("email", address)).toMatchObject({
      _id: `${round}-${won.indexOf(true)}`,
    });
  }, UNIQUE_ROUNDS);
});

test("keeps the first time and its event when an address is verified many times at once", async () => {
  await rounds(async (round) => {
    const address = `proved-${round}@example.com`;
    await identifiers.insert(identifier(`proved-${round}`, address));
    await atOnce((caller) => verify(`proved-${round}`, caller));
    const first = await identifiers.findActive("email", address);
    expect(first?.verifiedAt).toEqual(expect.any(String));
    expect(first?.updatedAt).toBe(first?.verifiedAt);
    expect(first?.events).toMatchObject([{ type: "identifier.verified", at: first?.verifiedAt }]);
    expect(first?.eventsDueAt).toBe(first?.verifiedAt);
    await atOnce((caller) => verify(`proved-${round}`, 100 + caller));
    expect(await identifiers.findActive("email", address)).toEqual(first);
  });
});

test("remembers each device once when many sign in at once, at most the newest 20", async () => {
  await rounds(async (round) => {
    const address = `machines-${round}@example.com`;
    await identifiers.insert(identifier(`machines-${round}`, address));
    await atOnce((caller) => identifiers.rememberDevice(`machines-${round}`, `machine-${caller % 5}`));
    const known = (await identifiers.findActive("email", address))?.knownDevices ?? [];
    expect([...known].sort()).toEqual([0, 1, 2, 3, 4].map((machine) => `machine-${machine}`));
  });
  await atOnce((caller) => identifiers.rememberDevice("machines-0", `later-${caller}`));
  const known = (await identifiers.findActive("email", "machines-0@example.com"))?.knownDevices ?? [];
  expect([...known].sort()).toEqual(Array.from({ length: 20 }, (_, caller) => `later-${caller}`).sort());
});

test("removes an identifier once when many calls race, with one event, and frees its address", async () => {
  await rounds(async (round) => {
    const address = `freed-${round}@example.com`;
    const one = identifier(`freed-${round}`, address);
    await identifiers.insert(one);
    const removed = await atOnce((caller) =>
      identifiers.remove(one._id, moment(caller), [identifierRemoved(one, BY_OPERATOR, moment(caller))]),
    );
    expect(removed.filter((won) => won !== null)).toHaveLength(1);
    expect(removed.find((won) => won !== null)?.events).toMatchObject([{ type: "identifier.removed" }]);
    expect(await identifiers.findActive("email", address)).toBeNull();
    expect(await identifiers.insert(identifier(`freed-again-${round}`, address))).toBe(true);
  });
});

test("makes only a verified identifier that was not removed the primary one", async () => {
  const address = "primary@example.com";
  await identifiers.insert(identifier("primary", address));
  expect(await identifiers.makePrimary("primary", moment(1), [])).toBeNull();
  await verify("primary", 2);
  expect(await identifiers.makePrimary("primary", moment(3), [])).toMatchObject({ primarySince: moment(3) });
  await identifiers.remove("primary", moment(4), []);
  expect(await identifiers.makePrimary("primary", moment(5), [])).toBeNull();
});
