import { afterEach, beforeEach, expect, test } from "vitest";
import { createIndexes } from "#core/repositories/index_setup.ts";
import { type Trial, TrialRepository } from "#core/repositories/trials.ts";
import { openFreshDatabase } from "#tests/support/database.ts";
import { linkRequest, startNest, type TestNest, V2 } from "#tests/support/nest.ts";

const CALLERS = 12;
const ROUNDS = 3;
let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
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

test("does not count a refused request against the limit of new trials", async () => {
  const limited = await startNest({ beside: nest, environment: { LIMIT_NEW_TRIALS_PER_NETWORK: "2" } });
  const ask = async (address: string, name: string) => {
    const device = { platform: "mac", beak_id: `b-${name}`, fingerprint: `f-${name}` };
    const body = linkRequest({ identifier_value: address, device });
    const reply = await limited.call(`${V2}create_trial_and_magic_link`, body);
    return reply.body?.code ?? reply.status;
  };
  expect(await ask("ada@example.com", "one")).toBe(204);
  for (let n = 0; n < 3; n++) expect(await ask(`bob${n}@example.com`, "one")).toBe("trial_already_used");
  expect(await ask("carol@example.com", "two")).toBe(204);
  expect(await ask("dan@example.com", "three")).toBe("rate_limited");
  await limited.stop();
});

test("never adds a device to a redeemed trial, and never renews a used trial", async () => {
  await using opened = await openFreshDatabase();
  await createIndexes(opened.database);
  const trials = new TrialRepository(opened.database);
  const now = "2026-01-01T00:00:00.000Z";
  const later = "2026-01-02T00:00:00.000Z";
  const claim = (name: string) =>
    trials.claim({
      _id: `trial_${name}`,
      identifierValue: `${name}@example.com`,
      beakIds: [`b-${name}`],
      fingerprints: [`f-${name}`],
      stpSubscriptionId: `sub_${name}`,
      attempts: { customer: 1, subscription: 1 },
      redeemedAt: null,
      signedInAt: null,
    } as Partial<Trial> as Trial);
  for (const name of ["redeemed", "signed-in", "open"]) expect(await claim(name)).toBe(true);
  await trials.recordSignIn("redeemed@example.com", "trial_redeemed", now);
  await trials.recordSignIn("signed-in@example.com", null, now);

  expect(await trials.join("trial_redeemed", "b1", "f1")).toBe(false);
  expect(await trials.join("trial_signed-in", "b1", "f1")).toBe(true);
  expect(await trials.join("trial_open", "b1", "f2")).toBe(false);
  expect(await trials.join("trial_open", "b2", "f1")).toBe(false);

  expect(await trials.renew("trial_redeemed", "sub_redeemed", later, now)).toBeNull();
  expect(await trials.renew("trial_signed-in", "sub_signed-in", later, now)).toBeNull();
  expect(await trials.renew("trial_open", "sub_other", later, now)).toBeNull();
  const renewals = Array.from({ length: CALLERS }, () => trials.renew("trial_open", "sub_open", later, now));
  const renewed = (await Promise.all(renewals)).filter((trial) => trial !== null);
  expect(renewed).toMatchObject([{ stpSubscriptionId: null, attempts: { subscription: 2 } }]);

  // A late response must not replace the subscription that was created since.
  const made = { stpProductId: "prod_beak", startsAt: now, endsAt: now };
  await trials.recordSubscription("trial_open", { ...made, stpSubscriptionId: "sub_new" }, now);
  await trials.recordSubscription("trial_open", { ...made, stpSubscriptionId: "sub_open" }, now);
  expect(await trials.find("trial_open")).toMatchObject({ stpSubscriptionId: "sub_new" });
});
