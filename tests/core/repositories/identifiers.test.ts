import { expect, test } from "vitest";
import { type Identifier, IdentifierRepository } from "#core/repositories/identifiers.ts";
import { openFreshDatabase } from "#tests/support/database.ts";

const NOW = "2026-01-01T00:00:00.000Z";
const identifier: Identifier = {
  _id: "userident_1",
  userId: "user_1",
  identifierType: "email",
  identifierValue: "ada@example.com",
  createdAt: NOW,
  updatedAt: null,
  verifiedAt: null,
  removedAt: null,
};

test("the newest 20 machines of an address are known, each once", async () => {
  await using opened = await openFreshDatabase();
  const identifiers = new IdentifierRepository(opened.database);
  await identifiers.insert(identifier);
  const machines = Array.from({ length: 25 }, (_, machine) => `hash-${machine}`);
  for (const machine of machines) {
    await identifiers.rememberDevice(identifier._id, machine);
    await identifiers.rememberDevice(identifier._id, machine);
  }
  const found = await identifiers.findActive("email", identifier.identifierValue);
  expect(found?.knownDevices).toEqual(machines.slice(-20));
});

test("the first proof of an address stays", async () => {
  await using opened = await openFreshDatabase();
  const identifiers = new IdentifierRepository(opened.database);
  await identifiers.insert(identifier);
  for (const now of [NOW, "2027-01-01T00:00:00.000Z"]) await identifiers.verify(identifier._id, now);
  const found = await identifiers.findActive("email", identifier.identifierValue);
  expect(found).toMatchObject({ verifiedAt: NOW, updatedAt: NOW });
});
