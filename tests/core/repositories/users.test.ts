import { expect, test } from "vitest";
import { UserRepository } from "#core/repositories/users.ts";
import { atOnce, moment, rounds } from "#tests/support/at_once.ts";
import { openFreshDatabase } from "#tests/support/database.ts";

const NOW = moment(0);
const CALLERS = 50;

test("of 50 subscriptions at once for a user who is not there yet, one is kept, 20 times over", async () => {
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
      replacedSubscriptionIds: [],
    });
  }
});

test("the same subscription 50 times at once is kept each time: nobody is told of a rival that is itself", async () => {
  await using opened = await openFreshDatabase();
  const users = new UserRepository(opened.database);
  for (let round = 0; round < 20; round++) {
    const kept = await atOnce(() => users.keepSubscription(`user_${round}`, "sub_1", NOW), CALLERS);
    expect(kept.every((user) => user?.keptSubscriptionId === "sub_1")).toBe(true);
  }
});

test("of 50 that would replace the one that is kept, one does, and the update notes whom it replaced", async () => {
  await using opened = await openFreshDatabase();
  const users = new UserRepository(opened.database);
  await users.keepSubscription("user", "sub_old", NOW);
  const kept = await atOnce(
    (caller) => users.keepSubscription("user", `sub_${caller}`, NOW, "sub_old"),
    CALLERS,
  );
  expect(kept.filter((user) => user !== null)).toHaveLength(1);
  expect(await users.find("user")).toMatchObject({ replacedSubscriptionIds: ["sub_old"] });
});

test("a user whom many make at once is there once, and the first time stays", async () => {
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

test("one that ended is let go of by many at once, and never takes its replacement with it", async () => {
  await using opened = await openFreshDatabase();
  const users = new UserRepository(opened.database);
  await rounds(async (round) => {
    const id = `user_${round}`;
    await users.keepSubscription(id, "sub_old", moment(0));
    await atOnce<unknown>((caller) =>
      caller === 2 * round
        ? users.keepSubscription(id, "sub_new", moment(1), "sub_old")
        : users.releaseSubscription(id, "sub_old"),
    );
    expect(await users.find(id)).toMatchObject({ keptSubscriptionId: "sub_new" });
  });
});

test("of those that were replaced only the one that is settled is forgotten", async () => {
  await using opened = await openFreshDatabase();
  const users = new UserRepository(opened.database);
  await users.keepSubscription("user", "sub_1", moment(0));
  await users.keepSubscription("user", "sub_2", moment(1), "sub_1");
  await atOnce<unknown>((caller) =>
    caller === 3
      ? users.keepSubscription("user", "sub_3", moment(2), "sub_2")
      : users.settleReplaced("user", "sub_1"),
  );
  const isLeft = async () =>
    expect(await users.find("user")).toMatchObject({ replacedSubscriptionIds: ["sub_2"] });
  await isLeft();
  await atOnce(() => users.settleReplaced("user", "sub_1"));
  await isLeft();
});
