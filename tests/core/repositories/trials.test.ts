import { afterAll, beforeAll, expect, test } from "vitest";
import { trialEvent } from "#core/events/billing_events.ts";
import { BY_OPERATOR } from "#core/events/event_source.ts";
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
  userId: `user-of-${_id}`,
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
      const claim = { beakId: `b-new-${round}`, fingerprint: `f-new-${round}`, isKnownDevice: false };
      return trials
        .join({ _id: id, redeemedAt: null, identifierValue: `${id}@example.com` }, claim)
        .then((isIn) => (isIn ? id : null));
    });
    expect(new Set(joined.filter((id) => id !== null)).size).toBe(1);
    expect(await trials.listConcerning("-", `b-new-${round}`, "-")).toHaveLength(1);
  }, UNIQUE_ROUNDS);
});

test("adds no device to a trial that was redeemed since it was read", async () => {
  await trials.claim(trial("over", "over@example.com", "over", { redeemedAt: moment(1) }));
  const joined = await atOnce((caller) =>
    trials.join(
      { _id: "over", redeemedAt: null, identifierValue: "over@example.com" },
      { beakId: `b-${caller}`, fingerprint: `f-${caller}`, isKnownDevice: true },
    ),
  );
  expect(joined).not.toContain(true);
  expect((await find("over@example.com")).isFromKnownDevice).toBeUndefined();
});

test("opens a trial to older sessions when a known device joins it", async () => {
  const joined = trial("known", "known@example.com", "known", { isFromKnownDevice: false });
  await trials.claim(joined);
  await trials.join(joined, { beakId: "b-1", fingerprint: "f-1", isKnownDevice: false });
  expect(await find("known@example.com")).toMatchObject({ isFromKnownDevice: false });
  await trials.join(joined, { beakId: "b-1", fingerprint: "f-1", isKnownDevice: true });
  expect(await find("known@example.com")).toMatchObject({ isFromKnownDevice: true });
});

test("keeps 20 devices of a trial when 60 race to join: the first one, and the last one that joins", async () => {
  const joined = trial("many", "many@example.com", "many");
  await trials.claim(joined);
  const join = (device: number) =>
    trials.join(joined, {
      beakId: `b-many-${device}`,
      fingerprint: `f-many-${device}`,
      isKnownDevice: false,
    });
  for (let batch = 0; batch < 60; batch += 20)
    expect(await Promise.all(Array.from({ length: 20 }, (_, index) => join(batch + index)))).not.toContain(
      false,
    );
  expect(await join(99)).toBe(true);
  const { beakIds, fingerprints } = await find("many@example.com");
  for (const [devices, first, last] of [
    [beakIds, joined.beakIds[0], "b-many-99"],
    [fingerprints, joined.fingerprints[0], "f-many-99"],
  ] as const) {
    expect(devices).toHaveLength(20);
    expect(devices[0]).toBe(first);
    expect(devices.at(-1)).toBe(last);
  }
});

test.each([
  ["used", { usedAt: moment(1) }],
  ["redeemed", { redeemedAt: moment(1) }],
])("keeps the devices of a trial that was %s when others join", async (id, state) => {
  const beakIds = Array.from({ length: 20 }, (_, index) => `${id}-${index}`);
  const joined = trial(id, `${id}@example.com`, id, { ...state, beakIds });
  await trials.claim(joined);
  expect(
    await trials.join(joined, { beakId: `late-${id}`, fingerprint: `late-${id}`, isKnownDevice: false }),
  ).toBe(true);
  expect((await find(`${id}@example.com`)).beakIds).toEqual(beakIds);
});

test("lists the removals in the order of their last attempt, and removals without an attempt first", async () => {
  const now = moment(0);
  for (const id of ["r-1", "r-2", "r-3"]) {
    const claimed = trial(id, `${id}@example.com`, id, { claimedAt: now, usedAt: null, grantedAt: null });
    await trials.claim(claimed);
    const begun = await trials.beginRemoval(claimed, now, moment(60));
    if (begun && id !== "r-3") await trials.releaseRemoval(begun, moment(id === "r-1" ? 20 : 10));
  }
  const list = async () => (await trials.listRemovals(2)).map(({ _id }) => _id);
  expect(await list()).toEqual(["r-3", "r-2"]);
  const [next] = await trials.listRemovals(1);
  if (next) await trials.releaseRemoval(next, moment(30));
  expect(await list()).toEqual(["r-2", "r-1"]);
});

test("lets one of many racing calls claim a trial for the same user with two addresses", async () => {
  await rounds(async (round) => {
    const claimed = await atOnce((caller) => {
      const id = `two-${round}-${caller}`;
      const own = { userId: `user-${round}`, claimedAt: moment(0) };
      return trials.claim(trial(id, `${id}@example.com`, id, own));
    });
    expect(claimed.filter(Boolean)).toHaveLength(1);
  }, UNIQUE_ROUNDS);
});

test("does not give a trial to a user who has one", async () => {
  await trials.claim(trial("first", "first@example.com", "first", { userId: "taken", claimedAt: moment(0) }));
  await trials.claim(trial("second", "second@example.com", "2nd", { userId: "new", claimedAt: moment(0) }));
  expect(await trials.recordUser("second", "taken", moment(1))).toBe(false);
  expect(await trials.recordUser("second", "free", moment(1))).toBe(true);
});

test("renews an unused trial once when many calls race", async () => {
  await rounds(async (round) => {
    const id = `renewed-${round}`;
    await trials.claim(trial(id, `${id}@example.com`, id, { stpSubscriptionId: "sub_old" }));
    const renewed = await atOnce((caller) => trials.renew(id, "sub_old", false, moment(caller)));
    expect(renewed.filter((document) => document !== null)).toHaveLength(1);
    const attempts = { customer: 1, subscription: 2 };
    expect(await find(`${id}@example.com`)).toMatchObject({
      stpSubscriptionId: null,
      attempts,
      usedAt: null,
    });
  });
});

const used = (seen: Pick<Trial, "_id" | "stpSubscriptionId">, second: number) =>
  trialEvent("trial.used", { ...seen, userId: "user" }, BY_OPERATOR, moment(second));

test("either uses or renews a trial when both run at the same time", async () => {
  const use = { stpSubscriptionId: "sub_old", endsAt: moment(500), pendingEndsAt: moment(500) };
  await rounds(async (round) => {
    const id = `owned-${round}`;
    await trials.claim(trial(id, `${id}@example.com`, id, { stpSubscriptionId: "sub_old", usedAt: null }));
    const seen = await find(`${id}@example.com`);
    const results = await atOnce<Trial | null>((caller) =>
      caller === 2 * round
        ? trials.markUsed(seen, use, moment(1), [used(seen, 1)])
        : trials.renew(id, "sub_old", false, moment(caller)),
    );
    const [won, ...others] = results.filter((document) => document !== null);
    expect(others).toEqual([]);
    if (won?.usedAt) expect(await trials.renew(id, "sub_old", false, moment(60))).toBeNull();
    else expect(await trials.markUsed(seen, use, moment(60), [used(seen, 60)])).toBeNull();
  });
});

test("never renews a used trial, however many calls race", async () => {
  const used = { stpSubscriptionId: "sub_old", usedAt: moment(1) };
  await trials.claim(trial("had", "had@example.com", "had", used));
  const renewed = await atOnce((caller) => trials.renew("had", "sub_old", true, moment(caller)));
  expect(renewed.filter((document) => document !== null)).toEqual([]);
  expect(await find("had@example.com")).toMatchObject(used);
});

test("lets a displaced trial start again once when many calls race, with its end and the time of its use", async () => {
  await rounds(async (round) => {
    const id = `again-${round}`;
    const used = {
      stpSubscriptionId: "sub_old",
      usedAt: moment(1),
      endsAt: moment(900),
      redeemedAt: moment(1),
    };
    await trials.claim(trial(id, `${id}@example.com`, id, used));
    const seen = await find(`${id}@example.com`);
    const restarted = await atOnce((caller) => trials.restart(seen, false, moment(caller)));
    expect(restarted.filter((document) => document !== null)).toHaveLength(1);
    expect(await find(`${id}@example.com`)).toMatchObject({
      ...{ stpSubscriptionId: null, usedAt: moment(1), endsAt: moment(900), redeemedAt: null },
      ...{ attempts: { subscription: 2 } },
    });
  });
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

test("reports the first redemption of a trial's link to one of many racing calls, and keeps its time", async () => {
  await rounds(async (round) => {
    const id = `signed-${round}`;
    const address = `${id}@example.com`;
    await trials.claim(trial(id, address, id));
    expect(await trials.recordRedemption(id, "other@example.com", moment(1))).toBeNull();
    const redeemed = await atOnce((caller) => trials.recordRedemption(id, address, moment(10 + caller)));
    expect(redeemed.filter(Boolean)).toHaveLength(1);
    const first = await find(address);
    expect(await trials.recordRedemption(id, address, moment(99))).toBeNull();
    expect(await find(address)).toEqual(first);
  });
});

test("marks a trial as used once when many calls race, and not for another subscription", async () => {
  const use = { stpSubscriptionId: "sub_1", endsAt: moment(500), pendingEndsAt: moment(500) };
  await rounds(async (round) => {
    const id = `used-${round}`;
    await trials.claim(trial(id, `${id}@example.com`, id, { stpSubscriptionId: "sub_1", usedAt: null }));
    const seen = { _id: id, stpSubscriptionId: "sub_1" };
    const other = { _id: id, stpSubscriptionId: "sub_2" };
    expect(await trials.markUsed(other, use, moment(1), [used(other, 1)])).toBeNull();
    const marked = await atOnce((caller) =>
      trials.markUsed(seen, use, moment(10 + caller), [used(seen, 10 + caller)]),
    );
    const [won, ...others] = marked.filter((document) => document !== null);
    expect(others).toEqual([]);
    expect(won).toMatchObject({ ...use, usedAt: expect.any(String), signedInAt: won?.usedAt });
    expect(won?.events).toMatchObject([{ type: "trial.used", at: won?.usedAt }]);
    expect(await trials.markUsed(seen, use, moment(99), [used(seen, 99)])).toBeNull();
    expect(await trials.find(id)).toEqual(won);
  });
});

test("clears the pending end of a trial only if Stripe has that end", async () => {
  await trials.claim(trial("end", "end@example.com", "end", { pendingEndsAt: moment(500) }));
  await trials.settleEnd("end", moment(400), moment(400));
  expect(await trials.find("end")).toMatchObject({ pendingEndsAt: moment(500) });
  await trials.settleEnd("end", moment(500), moment(300));
  expect(await trials.find("end")).toMatchObject({ pendingEndsAt: null, endsAt: moment(300) });
});
