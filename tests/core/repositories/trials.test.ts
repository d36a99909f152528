import { afterAll, beforeAll, expect, test } from "vitest";
import { createIndexes } from "#core/repositories/index_setup.ts";
import { type Trial, TrialRepository } from "#core/repositories/trials.ts";
import { atOnce, moment, rounds, UNIQUE_ROUNDS } from "#tests/support/concurrency.ts";
import { openFreshDatabase } from "#tests/support/database.ts";

let opened: Awaited<ReturnType<typeof openFreshDatabase>>;
let trials: TrialRepository;
beforeAll(async () => {
  opened = await openFreshDatabase();
  await createIndexes(opened.database);
  trials = new TrialRepository(opened.database);
});
afterAll(() => opened[Symbol.asyncDispose]());

const trial = (_id: string, address: string, machine: string, change: Partial<Trial> = {}): Trial => ({
  _id,
  userId: "user",
  stpProductId: null,
  stpSubscriptionId: null,
  stpCustomerId: null,
  startsAt: null,
  endsAt: null,
  device: { beakId: `b-${machine}`, fingerprint: `f-${machine}` },
  createdAt: moment(0),
  updatedAt: null,
  identifierValue: address,
  beakIds: [`b-${machine}`],
  fingerprints: [`f-${machine}`],
  attempts: { customer: 1, subscription: 1 },
  attemptedAt: moment(0),
  redeemedAt: null,
  signedInAt: null,
  ...change,
});
const find = async (address: string) => (await trials.listConcerning(address, "-", "-"))[0] as Trial;

test.each([
  ["address", (caller: number) => trial("", "same@example.com", `a-${caller}`)],
  [
    "beak_id",
    (caller: number) => ({ ...trial("", `b${caller}@x.example`, `b-${caller}`), beakIds: ["same"] }),
  ],
  ["fingerprint", (c: number) => ({ ...trial("", `f${c}@x.example`, `c-${c}`), fingerprints: ["same"] })],
])("lets one of many racing calls claim a trial for the same %s", async (what, wanted) => {
  await rounds(async (round) => {
    const claimed = await atOnce((caller) => {
      const { identifierValue, beakIds, fingerprints, ...rest } = wanted(caller);
      const of = (value: string) => `${value}-${round}`;
      return trials.claim({
        ...rest,
        _id: `${what}-${round}-${caller}`,
        identifierValue: of(identifierValue),
        beakIds: beakIds.map(of),
        fingerprints: fingerprints.map(of),
      });
    });
    expect(claimed.filter(Boolean)).toHaveLength(1);
  }, UNIQUE_ROUNDS);
});

test("adds a device to one of many open trials that race for it", async () => {
  await rounds(async (round) => {
    const ids = Array.from({ length: 10 }, (_, number) => `joined-${round}-${number}`);
    for (const id of ids) await trials.claim(trial(id, `${id}@example.com`, id));
    const joined = await atOnce((caller) => {
      const id = ids[caller % ids.length] as string;
      return trials.join(id, `b-new-${round}`, `f-new-${round}`).then((isIn) => (isIn ? id : null));
    });
    expect(new Set(joined.filter((id) => id !== null)).size).toBe(1);
    expect(await trials.listConcerning("-", `b-new-${round}`, "-")).toHaveLength(1);
  }, UNIQUE_ROUNDS);
});

test("adds no device to a redeemed trial", async () => {
  await trials.claim(trial("over", "over@example.com", "over", { redeemedAt: moment(1) }));
  expect(await atOnce((caller) => trials.join("over", `b-${caller}`, `f-${caller}`))).not.toContain(true);
});

test("renews an unused trial once when many calls race", async () => {
  await rounds(async (round) => {
    const id = `renewed-${round}`;
    await trials.claim(trial(id, `${id}@example.com`, id, { stpSubscriptionId: "sub_old" }));
    const renewed = await atOnce((caller) => trials.renew(id, "sub_old", moment(99), moment(caller)));
    expect(renewed.filter((document) => document !== null)).toHaveLength(1);
    const attempts = { customer: 1, subscription: 2 };
    expect(await find(`${id}@example.com`)).toMatchObject({ stpSubscriptionId: null, attempts });
  });
});

test("does not renew a trial after a sign-in that ran at the same time", async () => {
  await rounds(async (round) => {
    const id = `owned-${round}`;
    await trials.claim(trial(id, `${id}@example.com`, id, { stpSubscriptionId: "sub_old" }));
    await atOnce<unknown>((caller) =>
      caller === 2 * round
        ? trials.recordSignIn(`${id}@example.com`, null, moment(1))
        : trials.renew(id, "sub_old", moment(99), moment(caller)),
    );
    await trials.recordSubscription(
      id,
      { stpProductId: "prod", stpSubscriptionId: "sub_old", startsAt: null, endsAt: null },
      moment(50),
    );
    expect(await trials.renew(id, "sub_old", moment(99), moment(60))).toBeNull();
  });
});

test("renews a trial once when its owner signed in only after it ended", async () => {
  await trials.claim(trial("late", "late@example.com", "late", { stpSubscriptionId: "sub_old" }));
  await trials.recordSignIn("late@example.com", null, moment(20));
  expect(await trials.renew("late", "sub_old", moment(21), moment(30))).toBeNull();
  expect(await trials.renew("late", "sub_old", moment(20), moment(30))).toMatchObject({
    stpSubscriptionId: null,
    signedInAt: moment(30),
  });
  const second = { stpProductId: "prod", stpSubscriptionId: "sub_new", startsAt: null, endsAt: null };
  await trials.recordSubscription("late", second, moment(31));
  expect(await trials.renew("late", "sub_new", moment(50), moment(60))).toBeNull();
});

test("raises an attempt once and forgets a lost customer once when many calls race", async () => {
  await rounds(async (round) => {
    const id = `raised-${round}`;
    await trials.claim(trial(id, `${id}@example.com`, id, { stpCustomerId: "cus_lost" }));
    await atOnce((caller) => trials.raiseAttempt(id, "subscription", 1, moment(caller)));
    await atOnce((caller) => trials.forgetCustomer(id, "cus_lost", moment(caller)));
    expect(await find(`${id}@example.com`)).toMatchObject({
      stpCustomerId: null,
      attempts: { customer: 2, subscription: 2 },
    });
  });
});

test("keeps the first sign-in time when sign-ins race, and redeems the trial through its link", async () => {
  await rounds(async (round) => {
    const id = `signed-${round}`;
    const address = `${id}@example.com`;
    await trials.claim(trial(id, address, id));
    await atOnce((caller) => trials.recordSignIn(address, caller === 2 * round ? id : null, moment(caller)));
    const first = await find(address);
    expect(first.signedInAt).toEqual(expect.any(String));
    expect(first.redeemedAt).toBe(moment(2 * round));
    await atOnce((caller) => trials.recordSignIn(address, id, moment(100 + caller)));
    expect(await find(address)).toEqual(first);
  });
});

test("marks a trial as used once when many calls race, and not for another subscription", async () => {
  const use = { endsAt: moment(500), pendingEndsAt: moment(500) };
  await rounds(async (round) => {
    const id = `used-${round}`;
    await trials.claim(trial(id, `${id}@example.com`, id, { stpSubscriptionId: "sub_1", usedAt: null }));
    expect(await trials.markUsed(id, "sub_2", use, moment(1))).toBeNull();
    const marked = await atOnce((caller) => trials.markUsed(id, "sub_1", use, moment(10 + caller)));
    const [won, ...others] = marked.filter((document) => document !== null);
    expect(others).toEqual([]);
    expect(won).toMatchObject({ ...use, usedAt: expect.any(String), signedInAt: won?.usedAt });
    expect(await trials.markUsed(id, "sub_1", use, moment(99))).toBeNull();
    expect(await trials.find(id)).toEqual(won);
  });
});

test("settles only the end that Stripe has", async () => {
  await trials.claim(trial("end", "end@example.com", "end", { pendingEndsAt: moment(500) }));
  await trials.settleEnd("end", moment(400));
  expect(await trials.find("end")).toMatchObject({ pendingEndsAt: moment(500) });
  await trials.settleEnd("end", moment(500));
  expect(await trials.find("end")).toMatchObject({ pendingEndsAt: null });
});
