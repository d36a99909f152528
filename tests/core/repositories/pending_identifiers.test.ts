import { afterAll, beforeAll, expect, test } from "vitest";
import { BY_OPERATOR } from "#core/events/event_source.ts";
import { identifierRemoved } from "#core/events/identifier_events.ts";
import { createIndexes } from "#core/repositories/index_setup.ts";
import {
  type PendingIdentifier,
  PendingIdentifierRepository,
} from "#core/repositories/pending_identifiers.ts";
import { atOnce, moment, rounds, UNIQUE_ROUNDS } from "#tests/support/concurrency.ts";
import { openFreshDatabase } from "#tests/support/database.ts";

let opened: Awaited<ReturnType<typeof openFreshDatabase>>;
let pendingIdentifiers: PendingIdentifierRepository;
beforeAll(async () => {
  opened = await openFreshDatabase();
  await createIndexes(opened.database);
  pendingIdentifiers = new PendingIdentifierRepository(opened.database);
});
afterAll(() => opened[Symbol.asyncDispose]());

const pending = (_id: string, userId: string, identifierValue = "ada@example.com"): PendingIdentifier => ({
  ...{ _id, userId, identifierType: "email", identifierValue, createdAt: moment(0) },
  ...{ endedAt: null, endedBy: null, purgeAt: new Date("2030-01-01") },
});
const removed = (one: PendingIdentifier) => [identifierRemoved(one, BY_OPERATOR, moment(1))];
const open = async (userId: string) => (await pendingIdentifiers.listOpen(userId)).map(({ _id }) => _id);

test("stores one row of a user and an address when many calls race, and gives it to every call", async () => {
  await rounds(async (round) => {
    const user = `racer-${round}`;
    const stored = await atOnce((caller) => pendingIdentifiers.ensure(pending(`${round}-${caller}`, user)));
    expect(new Set(stored.map(({ _id }) => _id)).size).toBe(1);
    expect(await open(user)).toEqual([stored[0]?._id]);
  }, UNIQUE_ROUNDS);
});

test("stores one address for any number of users", async () => {
  await atOnce((caller) => pendingIdentifiers.ensure(pending(`shared-${caller}`, `user-${caller}`)));
  expect(await open("user-0")).toEqual(["shared-0"]);
  expect(await open("user-7")).toEqual(["shared-7"]);
});

test("is proved by one verification, which may repeat it", async () => {
  const one = await pendingIdentifiers.ensure(pending("proved", "prover"));
  const proofs = await atOnce((caller) =>
    pendingIdentifiers.prove(one, `verif_${caller % 4}`, moment(caller)),
  );
  const winners = new Set(proofs.flatMap((proved) => (proved === null ? [] : [proved.endedBy])));
  expect(winners.size).toBe(1);
  expect(await open("prover")).toEqual([]);
  const [winner = ""] = winners;
  expect(await pendingIdentifiers.prove(one, winner ?? "", moment(99))).toMatchObject({ _id: "proved" });
});

test("is proved or removed, never both, when both race", async () => {
  await rounds(async (round) => {
    const one = await pendingIdentifiers.ensure(pending(`both-${round}`, `both-${round}`));
    const [isRemoved, proved] = await Promise.all([
      pendingIdentifiers.remove(one._id, moment(1), removed(one)),
      pendingIdentifiers.prove(one, "verif", moment(1)),
    ]);
    expect(isRemoved).toBe(proved === null);
  });
});

test("is removed once, with its event, when many calls race", async () => {
  const one = await pendingIdentifiers.ensure(pending("gone", "remover"));
  const results = await atOnce(() => pendingIdentifiers.remove(one._id, moment(1), removed(one)));
  expect(results.filter(Boolean)).toHaveLength(1);
  const stored = await opened.database.collection("pending_identifiers").findOne({ _id: "gone" as never });
  expect(stored?.events).toMatchObject([{ type: "identifier.removed", target: { id: "gone" } }]);
});
