import { afterEach, beforeEach, expect, test } from "vitest";
import { runCli } from "#tests/support/cli.ts";
import { startNest, type TestNest } from "#tests/support/nest.ts";

let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

const run = (...args: string[]) => runCli(["users", ...args], { MONGODB_URI: nest.mongoUri });
const ids = async (...args: string[]) => {
  const { status, printed } = await run(...args, "--json");
  expect(status, printed).toBe(0);
  return JSON.parse(printed).map(({ user_id }: { user_id: string }) => user_id);
};

/** Signs in users one second apart, so that their ids are in this order. */
async function signIn(...addresses: string[]): Promise<string[]> {
  const userIds: string[] = [];
  for (const address of addresses) {
    const { user_id } = await nest.signIn(address);
    // Ids have the real time, not the test's clock.
    const ordered = `user_${String(userIds.length).padStart(27, "0")}`;
    await nest
      .collection("users")
      .insertOne({ _id: ordered as never, createdAt: "2026-01-01T00:00:00.000Z" });
    await nest.collection("users").deleteOne({ _id: user_id as never });
    await nest.collection("identifiers").updateOne({ userId: user_id }, { $set: { userId: ordered } });
    userIds.push(ordered);
  }
  return userIds;
}

test("lists users newest first, in pages, with their addresses and subscription", async () => {
  const [ada, bob, carol] = await signIn("ada@example.com", "bob@example.com", "carol@example.com");
  await nest.collection("identifiers").updateOne({ userId: bob }, { $set: { verifiedAt: null } });
  nest.stripe.createSubscription({ email: "ada@example.com" });
  await nest.deliverEvents();
  expect(await ids("list", "--limit", "2")).toEqual([carol, bob]);
  expect(await ids("list", "--limit", "2", "--after", bob ?? "")).toEqual([ada]);
  const { printed } = await run("list");
  expect(printed).toMatch(new RegExp(`^${ada}  2026-01-01  ada@example\\.com +active$`, "m"));
  expect(printed).toMatch(
    new RegExp(`^${bob}  2026-01-01  bob@example\\.com \\(not verified\\)  none$`, "m"),
  );
  expect(printed).not.toContain("--after");
  expect((await run("list", "--limit", "2")).printed).toContain(`--after ${bob}`);
});

test("finds users by part of an address in any spelling, and treats it as text, not as a pattern", async () => {
  const [ada, bob, umlaut] = await signIn("ada@example.com", "bob@example.org", "eve@bücher.example");
  expect(await ids("search", "ADA")).toEqual([ada]);
  expect(await ids("search", "@example.")).toEqual([bob, ada]);
  expect(await ids("search", "@bücher.example")).toEqual([umlaut]);
  expect(await ids("search", "a.a@")).toEqual([]);
  expect(await ids("search", ".*")).toEqual([]);
  await nest
    .collection("identifiers")
    .updateOne({ userId: ada }, { $set: { removedAt: "2026-02-01T00:00:00.000Z" } });
  expect((await run("search", "ada")).printed).toContain("ada@example.com (removed)");
});

test("finds the user of a customer or a subscription at Stripe", async () => {
  const [ada] = await signIn("ada@example.com", "bob@example.com");
  const { id, customer } = nest.stripe.createSubscription({ email: "ada@example.com" });
  await nest.deliverEvents();
  expect(await ids("search", customer)).toEqual([ada]);
  expect(await ids("search", id)).toEqual([ada]);
  expect((await run("search", "cus_other")).printed).toBe("No user was found.\n");
});

test.each([
  [["search", "a"], "at least 2 characters"],
  [["list", "--limit", "0"], "--limit must be a whole number from 1 to 1000"],
  [["list", "--limit", "ten"], "--limit must be"],
  [["list", "--limit", "0x10"], "--limit must be"],
  [["why", "ada@example.com", "--limit", "ten"], "--limit must be"],
  [["why", "ada@example.com", "--limit", "-5"], "--limit must be"],
  [["search", "a".repeat(255)], "No address has more than 254 characters"],
  [["search", "ada", "--limit", "1001"], "--limit must be"],
])("refuses %j as wrong usage", async (args, message) => {
  expect(await run(...args)).toMatchObject({ status: 2, printed: expect.stringContaining(message) });
});
