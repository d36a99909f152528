import { afterEach, beforeEach, expect, test } from "vitest";
import { BUSY_MACHINE, linkRequest, startNest, type TestNest, V2 } from "#tests/support/nest.ts";

const CALLERS = 12;
const ROUNDS = 3;
let nest: TestNest;
beforeEach(async () => {
  nest = await startNest({ slowdown: BUSY_MACHINE });
});
afterEach(() => nest.stop());

/** Sends requests concurrently. @returns the error code or status of each */
const askAtOnce = (by: (caller: number) => { address: string; beak: string; print: string }) =>
  Promise.all(
    Array.from({ length: CALLERS }, async (_, caller) => {
      const { address, beak, print } = by(caller);
      const device = { platform: "mac", beak_id: beak, fingerprint: print };
      const body = linkRequest({ identifier_value: address, device });
      const reply = await nest.call(`${V2}create_trial_and_magic_link`, body);
      return reply.body?.code ?? reply.status;
    }),
  );
const counts = async () => [
  await nest.collection("trials").countDocuments(),
  nest.stripe.customers().length,
  nest.stripe.subscriptions().length,
];

test.each([
  ["fingerprint", (caller: number) => ({ beak: `b${caller}`, print: "f" })],
  ["beak id", (caller: number) => ({ beak: "b", print: `f${caller}` })],
] as const)(
  "creates one trial when many addresses with the same %s request one at once",
  async (_half, machine) => {
    for (let round = 1; round <= ROUNDS; round++) {
      const codes = await askAtOnce((caller) => {
        const { beak, print } = machine(caller);
        const address = `a${round}-${caller}@example.com`;
        return { address, beak: `${round}-${beak}`, print: `${round}-${print}` };
      });
      expect(codes.filter((code) => code === 204)).toHaveLength(1);
      expect(codes.filter((code) => code === "trial_already_used")).toHaveLength(CALLERS - 1);
      expect(await counts()).toEqual([round, round, round]);
    }
  },
  30_000,
);

test("adds every device to one trial when one address requests it from many devices at once", async () => {
  for (let round = 1; round <= ROUNDS; round++) {
    const address = `a${round}@example.com`;
    const codes = await askAtOnce((caller) => ({
      address,
      beak: `b${round}-${caller}`,
      print: `f${round}-${caller}`,
    }));
    expect(codes).toEqual(Array(CALLERS).fill(204));
    expect(await counts()).toEqual([round, round, round]);
    const trial = await nest.collection("trials").findOne({ identifierValue: address });
    expect({ beakIds: trial?.beakIds, fingerprints: trial?.fingerprints }).toMatchObject({
      beakIds: { length: CALLERS },
      fingerprints: { length: CALLERS },
    });
  }
}, 30_000);

test("returns 204 to concurrent requests for one trial while Stripe processes one of them", async () => {
  nest.stripe.latency(100);
  const same = { address: "ada@example.com", beak: "b", print: "f" };
  expect(await askAtOnce(() => same)).toEqual(Array(CALLERS).fill(204));
  expect(await counts()).toEqual([1, 1, 1]);
});

test("creates one trial when a user with two addresses requests one with both at once from two devices", async () => {
  for (let round = 1; round <= ROUNDS; round++) {
    const addresses = [`a${round}@example.com`, `b${round}@example.com`];
    for (const address of addresses) await nest.signIn(address);
    const userId = await nest.userIdOf(addresses[0] as string);
    await nest
      .collection("identifiers")
      .updateMany({ identifierValue: { $in: addresses } }, { $set: { userId } });
    const codes = await askAtOnce((caller) => ({
      address: addresses[caller % 2] as string,
      beak: `b${round}-${caller % 2}`,
      print: `f${round}-${caller % 2}`,
    }));
    expect(codes).toContain(204);
    expect(await nest.collection("trials").countDocuments({ userId })).toBe(1);
    expect(await nest.collection("trials").countDocuments()).toBe(round);
    expect(nest.stripe.subscriptions()).toHaveLength(round);
  }
}, 60_000);
