import { afterAll, beforeAll, expect, test } from "vitest";
import { createIndexes } from "#core/repositories/index_setup.ts";
import { type ProviderMapping, ProviderMappingRepository } from "#core/repositories/provider_mappings.ts";
import { atOnce, moment, rounds, UNIQUE_ROUNDS } from "#tests/support/concurrency.ts";
import { openFreshDatabase } from "#tests/support/database.ts";

let opened: Awaited<ReturnType<typeof openFreshDatabase>>;
let mappings: ProviderMappingRepository;
beforeAll(async () => {
  opened = await openFreshDatabase();
  await createIndexes(opened.database);
  mappings = new ProviderMappingRepository(opened.database);
});
afterAll(() => opened[Symbol.asyncDispose]());

const mapping = (_id: string, providerValue: string): ProviderMapping => ({
  _id,
  userId: `user of ${_id}`,
  providerType: "stripe",
  providerValue,
  createdAt: moment(0),
  updatedAt: null,
  removedAt: null,
});

test("maps a customer to one user when many calls race", async () => {
  await rounds(async (round) => {
    const won = await atOnce((caller) => mappings.insert(mapping(`${round}-${caller}`, `cus_${round}`)));
    expect(won.filter(Boolean)).toHaveLength(1);
    const found = await mappings.findByCustomer(`cus_${round}`);
    expect(found?._id).toBe(`${round}-${won.indexOf(true)}`);
  }, UNIQUE_ROUNDS);
});

test("removes a mapping once when many calls race, and never a later mapping of the customer", async () => {
  await rounds(async (round) => {
    const customer = `cus_removed_${round}`;
    await mappings.insert(mapping(`removed-${round}`, customer));
    await atOnce((caller) => mappings.remove(customer, moment(caller)));
    expect(await mappings.findByCustomer(customer)).toBeNull();
    const removed = { _id: `removed-${round}` };
    const collection = opened.database.collection<{ _id: string }>(ProviderMappingRepository.collectionName);
    const first = await collection.findOne(removed);
    expect(await mappings.insert(mapping(`later-${round}`, customer))).toBe(true);
    await atOnce((caller) => mappings.remove(customer, moment(100 + caller)), 3);
    expect(await collection.findOne(removed)).toEqual(first);
  });
});
