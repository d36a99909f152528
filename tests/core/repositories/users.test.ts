import { expect, test } from "vitest";
import { type RejectionDecision, UserRepository } from "#core/repositories/users.ts";
import { atOnce, moment, rounds } from "#tests/support/concurrency.ts";
import { openFreshDatabase } from "#tests/support/database.ts";

const NOW = "2026-01-01T00:00:00.000Z";
const CALLERS = 50;
const LOSS: RejectionDecision = {
  ...{ kind: "duplicate", keptId: "sub_old", isSameCustomer: false, status: "active" },
  ...{ isSilent: false, decidedAt: NOW },
};

test("keeps one of 50 racing subscriptions of a user who does not exist yet", async () => {
  await using opened = await openFreshDatabase();
  const users = new UserRepository(opened.database);
  for (let round = 0; round < 20; round++) {
    const id = `user_${round}`;
    const kept = await atOnce((caller) => users.keepSubscription(id, `sub_${caller}`, NOW), CALLERS);
    const winners = kept.filter((user) => user !== null);
    expect(winners).toHaveLength(1);
    expect(await users.find(id)).toMatchObject({
      createdAt: NOW,
      keptSubscriptionId: winners[0]?.keptSubscriptionId,
    });
  }
});

test("keeps a subscription for each of 50 racing calls with the same subscription", async () => {
  await using opened = await openFreshDatabase();
  const users = new UserRepository(opened.database);
  for (let round = 0; round < 20; round++) {
    const kept = await atOnce(() => users.keepSubscription(`user_${round}`, "sub_1", NOW), CALLERS);
    expect(kept.every((user) => user?.keptSubscriptionId === "sub_1")).toBe(true);
  }
});

test("replaces the kept subscription once when 50 calls race, and records the replaced one", async () => {
  await using opened = await openFreshDatabase();
  const users = new UserRepository(opened.database);
  await users.keepSubscription("user", "sub_old", NOW);
  const kept = await atOnce(
    (caller) => users.replaceSubscription("user", `sub_${caller}`, "sub_old", LOSS),
    CALLERS,
  );
  expect(kept.filter((user) => user !== null)).toHaveLength(1);
  expect(await users.find("user")).toMatchObject({
    rejectedSubscriptionIds: ["sub_old"],
    replacedSubscriptionIds: ["sub_old"],
  });
});

test("never keeps a rejected subscription, and never rejects the kept one in favor of another", async () => {
  await using opened = await openFreshDatabase();
  const users = new UserRepository(opened.database);
  for (let round = 0; round < 20; round++) {
    const id = `user_${round}`;
    await users.keepSubscription(id, "sub_old", NOW);
    const [taken, lost] = await Promise.all([
      users.replaceSubscription(id, "sub_new", "sub_old", LOSS),
      users.rejectSubscription(id, "sub_new", "sub_old", LOSS),
    ]);
    expect([taken !== null, lost].sort()).toEqual([false, true]);
    const [kept, other] = lost ? ["sub_old", "sub_new"] : ["sub_new", "sub_old"];
    expect(await users.keepSubscription(id, other, NOW)).toBeNull();
    expect(await users.replaceSubscription(id, other, kept, LOSS)).toBeNull();
    await users.settleReplaced(id, other);
    await users.releaseSubscription(id, kept);
    expect(await users.keepSubscription(id, other, NOW)).toBeNull();
    expect(await users.find(id)).toMatchObject({
      keptSubscriptionId: null,
      rejectedSubscriptionIds: [other],
    });
  }
});

test("creates a user once when many calls race, and keeps the first time", async () => {
  await using opened = await openFreshDatabase();
  const users = new UserRepository(opened.database);
  await rounds(async (round) => {
    await atOnce((caller) => users.ensure(`user_${round}`, moment(caller)));
    const first = await users.find(`user_${round}`);
    expect(first?.createdAt).toEqual(expect.any(String));
    await users.ensure(`user_${round}`, moment(99));
    expect(await users.find(`user_${round}`)).toEqual(first);
  });
});

test("releases an ended subscription when many calls race, and never its replacement", async () => {
  await using opened = await openFreshDatabase();
  const users = new UserRepository(opened.database);
  const release = (id: string) => atOnce(() => users.releaseSubscription(id, "sub_old"));
  let replacements = 0;
  await rounds(async (round) => {
    const id = `user_${round}`;
    await users.keepSubscription(id, "sub_old", moment(0));
    const [replaced] = await Promise.all([
      users.replaceSubscription(id, "sub_new", "sub_old", LOSS),
      release(id),
    ]);
    await release(id);
    if (replaced) replacements++;
    expect(await users.find(id)).toMatchObject({ keptSubscriptionId: replaced ? "sub_new" : null });
  });
  expect(replacements).toBeGreaterThan(0);
});

test("settling one replaced subscription leaves the others in the list", async () => {
  await using opened = await openFreshDatabase();
  const users = new UserRepository(opened.database);
  await users.keepSubscription("user", "sub_1", moment(0));
  await users.replaceSubscription("user", "sub_2", "sub_1", LOSS);
  await atOnce<unknown>((caller) =>
    caller === 3
      ? users.replaceSubscription("user", "sub_3", "sub_2", LOSS)
      : users.settleReplaced("user", "sub_1"),
  );
  const isLeft = async () =>
    expect(await users.find("user")).toMatchObject({ replacedSubscriptionIds: ["sub_2"] });
  await isLeft();
  await atOnce(() => users.settleReplaced("user", "sub_1"));
  await isLeft();
});

test("either applies or revokes the rejection of a subscription when 50 calls race", async () => {
  await using opened = await openFreshDatabase();
  const users = new UserRepository(opened.database);
  for (let round = 0; round < 20; round++) {
    const id = `user_${round}`;
    await users.keepSubscription(id, "sub_old", NOW);
    expect(await users.rejectSubscription(id, "sub_new", "sub_old", LOSS)).toBe(true);
    expect(await users.rejectSubscription(id, "sub_new", "sub_old", LOSS)).toBe(false);
    await users.releaseSubscription(id, "sub_old");
    const results = await atOnce(
      (caller): Promise<string | false | null> =>
        caller % 2 === round % 2
          ? users.applyRejection(id, "sub_new", NOW).then((decision) => decision && "applied")
          : users.revokeRejection(id, "sub_new", null).then((isRevoked) => isRevoked && "revoked"),
      CALLERS,
    );
    const outcomes = new Set(results.filter((result) => typeof result === "string"));
    expect(outcomes.size).toBe(1);
    const isRevoked = outcomes.has("revoked");
    expect(results.filter((result) => result === "revoked")).toHaveLength(isRevoked ? 1 : 0);
    expect(await users.find(id)).toMatchObject({
      rejectedSubscriptionIds: isRevoked ? [] : ["sub_new"],
      pendingRejections: isRevoked ? {} : { sub_new: { ...LOSS, appliedAt: NOW } },
    });
    expect(await users.revokeRejection(id, "sub_new", null)).toBe(false);
  }
});

test("does not revoke a rejection that is complete, or while another subscription is kept", async () => {
  await using opened = await openFreshDatabase();
  const users = new UserRepository(opened.database);
  await users.keepSubscription("user", "sub_old", NOW);
  await users.rejectSubscription("user", "sub_new", "sub_old", LOSS);
  expect(await users.revokeRejection("user", "sub_new", null)).toBe(false);
  expect(await users.revokeRejection("user", "sub_new", "sub_other")).toBe(false);
  await users.applyRejection("user", "sub_new", NOW);
  await users.settleReplaced("user", "sub_new");
  expect(await users.revokeRejection("user", "sub_new", "sub_old")).toBe(false);
  expect(await users.find("user")).toMatchObject({
    rejectedSubscriptionIds: ["sub_new"],
    pendingRejections: {},
  });
});

test("records one of 50 removals that were judged by the same list, and refuses the others", async () => {
  await using opened = await openFreshDatabase();
  const users = new UserRepository(opened.database);
  await users.ensure("user", NOW);
  let list: string[] = [];
  for (let round = 0; round < 5; round++) {
    const seen = list;
    const won = await atOnce(
      (caller) => users.recordRemoval("user", `${round}-${caller}`, seen, seen),
      CALLERS,
    );
    expect(won.filter(Boolean)).toHaveLength(1);
    list = [...seen, `${round}-${won.indexOf(true)}`];
    expect(await users.find("user")).toMatchObject({ removedIdentifierIds: list });
  }
  expect(await users.recordRemoval("nobody", "one", [], [])).toBe(false);
  expect(await users.recordRemoval("user", "last", list, ["1-0"])).toBe(true);
  expect(await users.find("user")).toMatchObject({ removedIdentifierIds: ["1-0", "last"] });
  expect(await users.recordRemoval("user", "late", list, [])).toBe(false);
});
