import type { Db, Document } from "mongodb";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DAY, plusSeconds } from "#core/clock.ts";
import type { RefreshToken } from "#core/repositories/refresh_tokens.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";
import type { User } from "#core/repositories/users.ts";
import { openMongo } from "#core/services/mongo.ts";
import { runCli } from "#tests/support/cli.ts";
import { freshDatabaseUri } from "#tests/support/database.ts";
import { DUMP, facts } from "#tests/tools/migrations/previous_release.ts";
import { MIGRATIONS } from "#tools/migrations/all.ts";
import { recordUsedTrials } from "#tools/migrations/record_used_trials.ts";

const [adasId = ""] = facts.subscriptionsOf.ada;
const [bobsTrialId = "", bobsPaidId = ""] = facts.subscriptionsOf.bob;
const [cleosId = ""] = facts.subscriptionsOf.cleo;
const OF_2022 = "2022-03-04T05:06:07.890Z";
const OF_2090 = "2090-01-01T00:01:10.000Z";
const USED_AT_LAST = "2090-01-01T00:02:10.000Z";
/** When each trial of the dump was first used, by its address. A trial of 2022 has no address. */
const USED_AT: Record<string, string | null> = {
  "lea@example.com": OF_2090,
  "max@example.com": null,
  "of 2022": OF_2022,
};

let uri: string;
let opened: ReturnType<typeof openMongo>;
let database: Db;
beforeEach(loadDump);
afterEach(() => opened.client.close());

/** Loads the dump into a new database, which the helpers below use from then on. */
async function loadDump(): Promise<void> {
  uri = freshDatabaseUri();
  opened = openMongo(uri, { isCommand: true });
  ({ database } = opened);
  const { status, printed } = await runCli(["db", "load", DUMP], { MONGODB_URI: uri });
  expect(printed).toContain("Run `db migrate --apply`");
  expect(status).toBe(0);
}

async function migrate(...args: string[]) {
  const { status, printed } = await runCli(["db", "migrate", "--json", ...args], { MONGODB_URI: uri });
  const migrations: Record<string, unknown>[] = JSON.parse(printed).migrations;
  return {
    status,
    outcomes: migrations.map(({ name, pending, changed, left }) => ({ name, pending, changed, left })),
  };
}

async function outcomeOf(name: string, ...args: string[]) {
  return (await migrate(...args)).outcomes.find((outcome) => outcome.name === name);
}

/** Every document, by collection. */
async function contents(): Promise<Record<string, Document[]>> {
  const names = (await database.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name);
  const documents = names
    .sort()
    .map(async (name) => [name, await database.collection(name).find().sort({ _id: 1 }).toArray()] as const);
  return Object.fromEntries(await Promise.all(documents));
}

const tokenId = (refreshToken: string) => refreshToken.split(".")[1] ?? "";
const purgeAtOf = async (_id: string) =>
  (await database.collection<RefreshToken>("refresh-tokens").findOne({ _id }))?.purgeAt;

/** Uses the newest token of the rotated session of the dump again, a minute later. @returns the ids of its tokens */
async function rotateOnceMore() {
  const tokens = database.collection<RefreshToken>("refresh-tokens");
  const [old, current] = [tokenId(facts.rotated.old), tokenId(facts.rotated.current)];
  const used = await tokens.findOneAndUpdate({ _id: current }, { $set: { usedAt: USED_AT_LAST } });
  if (!used) throw new Error("The dump has no rotated token.");
  const next = `${current}-next`;
  await tokens.insertOne({ ...used, _id: next, generation: 3 });
  const usedAt = USED_AT_LAST;
  const rotation = { successorId: next, salt: "salt", keyId: "local", usedAt, network: "203.0.113.9/32" };
  await tokens.updateOne({ _id: current }, { $set: { rotation } });
  return { old, current, next };
}

const subscription = (_id: string) => database.collection<Subscription>("subscriptions").findOne({ _id });
const keptBy = async (_id: string) =>
  (await database.collection<User>("users").findOne({ _id }))?.keptSubscriptionId ?? null;

describe("db migrate, on a dump of the previous release", () => {
  test("counts the pending documents and changes nothing without --apply", async () => {
    const before = await contents();
    expect(await migrate()).toEqual({
      status: 0,
      outcomes: [
        { name: "keep_imported_subscriptions", pending: 2, changed: 0, left: 2 },
        { name: "complete_subscriptions", pending: 5, changed: 0, left: 5 },
        { name: "record_used_trials", pending: 3, changed: 0, left: 3 },
        { name: "shorten_token_retention", pending: 5, changed: 0, left: 5 },
        { name: "give_users_accounts", pending: 20, changed: 0, left: 20 },
      ],
    });
    expect(await contents()).toEqual(before);
  });

  test("records the kept subscription of a user who has none, and no other", async () => {
    await migrate("--apply");
    expect(await keptBy("user_ada")).toBe(adasId);
    expect(await keptBy("user_bob"), "a paid subscription wins over a trial").toBe(bobsPaidId);
    expect(await keptBy("user_cleo"), "an event decided before").toBe(cleosId);
    expect(await keptBy("user_dan"), "a canceled subscription").toBeNull();
  });

  test("leaves a rejected subscription and a recorded decision as they are", async () => {
    const users = database.collection<User>("users");
    await users.updateOne({ _id: "user_ada" }, { $set: { rejectedSubscriptionIds: [adasId] } });
    await users.updateOne({ _id: "user_bob" }, { $set: { keptSubscriptionId: bobsTrialId } });
    await migrate("--apply");
    expect(await keptBy("user_ada")).toBeNull();
    expect(await keptBy("user_bob")).toBe(bobsTrialId);
  });

  test("adds every missing field and changes no other field and no other document", async () => {
    const before = await contents();
    expect(await migrate("--apply")).toEqual({
      status: 0,
      outcomes: [
        { name: "keep_imported_subscriptions", pending: 2, changed: 2, left: 0 },
        { name: "complete_subscriptions", pending: 5, changed: 5, left: 0 },
        { name: "record_used_trials", pending: 3, changed: 3, left: 0 },
        { name: "shorten_token_retention", pending: 5, changed: 5, left: 0 },
        { name: "give_users_accounts", pending: 20, changed: 20, left: 0 },
      ],
    });
    const after = await contents();
    const added = {
      isOtherProduct: false,
      trialId: null,
      stpCreatedAt: OF_2022,
      rejectedAt: null,
      isRejectedSilently: false,
      refundedAt: null,
      disputedAt: null,
      disputeStatus: null,
      disputes: [],
      cardFingerprints: [],
      cardSeenBeforeAt: null,
      mails: { welcome: { claimedAt: OF_2022, sentAt: OF_2022 } },
    };
    for (const [index, document] of (before.subscriptions ?? []).entries()) {
      const isIncomplete = !("stpCreatedAt" in document);
      expect(after.subscriptions?.[index], document._id).toEqual(
        isIncomplete ? { ...added, ...document, version: (document.version ?? 0) + 1 } : document,
      );
    }
    expect(await subscription("sub_ada0")).toMatchObject({ version: 1 });
    expect(await subscription("sub_cleo0"), "an event had changed it").toMatchObject({ version: 2 });
    const kept = { user_ada: adasId, user_bob: bobsPaidId };
    const accountIdOf = ({ _id }: Document) => _id.replace("user_", "account_");
    const users = (before.users ?? []).map((user) => ({
      ...user,
      ...(user._id in kept && { keptSubscriptionId: kept[user._id as keyof typeof kept] }),
      defaultAccountId: accountIdOf(user),
    }));
    const accounts = (before.users ?? []).map(({ _id, createdAt }) => ({
      _id: accountIdOf({ _id }),
      ...{ name: null, createdAt, updatedAt: null, deletedAt: null },
    }));
    const account_members = (before.users ?? []).map(({ _id, createdAt }) => ({
      _id: _id.replace("user_", "acctmem_"),
      ...{ accountId: accountIdOf({ _id }), userId: _id, role: "owner", status: "active" },
      ...{ createdAt, removedAt: null },
    }));
    const trials = (before.trials ?? []).map((trial) => ({
      ...trial,
      usedAt: USED_AT[trial.identifierValue ?? "of 2022"],
      pendingEndsAt: null,
    }));
    const accessTokens = (before.access_tokens ?? []).map((token) => ({
      ...token,
      purgeAt: plusSeconds(new Date(token.expiresAt), 7 * DAY),
    }));
    const changed = {
      users,
      accounts,
      account_members,
      trials,
      access_tokens: accessTokens,
      subscriptions: [],
    };
    expect({ ...after, subscriptions: [] }).toEqual({ ...before, ...changed });
  });

  test.each([
    ["whose link was redeemed", { redeemedAt: OF_2090, signedInAt: OF_2090 }, OF_2090],
    ["whose owner signed in before its end by another link", { signedInAt: OF_2090 }, OF_2090],
    ["whose owner signed in after its end", { signedInAt: "2090-03-01T00:00:00.000Z" }, null],
    ["that nobody opened", {}, null],
  ])("records when a trial %s was used: %j gives %j", async (_case, fields, usedAt) => {
    const trials = database.collection("trials");
    await trials.updateOne({ identifierValue: "max@example.com" }, { $set: fields });
    await migrate("--apply");
    expect(await trials.findOne({ identifierValue: "max@example.com" })).toMatchObject({ usedAt });
  });

  test("records a use that the previous release stored after the migration", async () => {
    await migrate("--apply");
    const max = { identifierValue: "max@example.com" };
    const signedIn = { redeemedAt: OF_2090, signedInAt: OF_2090 };
    await database.collection("trials").updateOne(max, { $set: signedIn });
    expect(await outcomeOf("record_used_trials", "--apply")).toMatchObject({
      pending: 1,
      changed: 1,
      left: 0,
    });
    expect(await database.collection("trials").findOne(max)).toMatchObject({ usedAt: OF_2090 });
  });

  test("counts no trial as pending whose owner signed in after its end", async () => {
    const signedIn = { signedInAt: "2090-03-01T00:00:00.000Z" };
    await database.collection("trials").updateOne({ identifierValue: "max@example.com" }, { $set: signedIn });
    await migrate("--apply");
    expect(await outcomeOf("record_used_trials")).toMatchObject({ pending: 0, left: 0 });
  });

  test("leaves a trial that a sign-in changes meanwhile to the next run", async () => {
    const racing = openMongo(uri, { monitorCommands: true });
    const trials = database.collection("trials");
    let raced: Promise<unknown> | undefined;
    racing.client.on("commandSucceeded", ({ commandName }) => {
      if (commandName === "find")
        raced ??= trials.updateOne(
          { identifierValue: "max@example.com" },
          { $set: { redeemedAt: OF_2090, signedInAt: OF_2090 } },
        );
    });
    await recordUsedTrials.apply(racing.database);
    await raced;
    await racing.client.close();
    await migrate("--apply");
    expect(await trials.findOne({ identifierValue: "max@example.com" })).toMatchObject({ usedAt: OF_2090 });
  });

  test("lets a used refresh token be removed 35 days after its successor was used, and no other", async () => {
    const { old, current, next } = await rotateOnceMore();
    const before = [await purgeAtOf(current), await purgeAtOf(next)];
    expect(await outcomeOf("shorten_token_retention")).toMatchObject({ pending: 6, left: 6 });
    await migrate("--apply");
    expect(await purgeAtOf(old)).toEqual(plusSeconds(new Date(USED_AT_LAST), 35 * DAY));
    expect([await purgeAtOf(current), await purgeAtOf(next)], "the answer may be lost").toEqual(before);
  });

  test("leaves an earlier purge date as it is", async () => {
    const { old } = await rotateOnceMore();
    const purgeAt = new Date("2090-01-15T00:00:00.000Z");
    await database.collection<RefreshToken>("refresh-tokens").updateOne({ _id: old }, { $set: { purgeAt } });
    expect(await outcomeOf("shorten_token_retention", "--apply")).toMatchObject({ changed: 5, left: 0 });
    expect(await purgeAtOf(old)).toEqual(purgeAt);
  });

  test("adds the welcome mark in addition to another mail's mark", async () => {
    const mark = { claimedAt: "2026-01-01T00:00:00.000Z", sentAt: null };
    await database
      .collection<Subscription>("subscriptions")
      .updateOne({ _id: "sub_ada0" }, { $set: { "mails.trialWillEnd": mark } });
    await migrate("--apply");
    const welcome = { claimedAt: OF_2022, sentAt: OF_2022 };
    expect((await subscription("sub_ada0"))?.mails).toEqual({ welcome, trialWillEnd: mark });
  });

  test("changes nothing when it is applied again", async () => {
    await migrate("--apply");
    const once = await contents();
    const { status, outcomes } = await migrate("--apply");
    expect(status).toBe(0);
    expect(outcomes.map(({ pending, changed }) => ({ pending, changed }))).toEqual([
      { pending: 0, changed: 0 },
      { pending: 0, changed: 0 },
      { pending: 0, changed: 0 },
      { pending: 0, changed: 0 },
      { pending: 0, changed: 0 },
    ]);
    expect(await contents()).toEqual(once);
  });

  // Write 14 runs concurrently with write 13.
  test.each([1, 2, 3, 5, 7, 8, 10, 11, 12, 13, 15])(
    "finishes the work of a run that died before write %i",
    async (last) => {
      // A chain of tokens, so that the last migration writes too.
      await rotateOnceMore();
      const untouched = await contents();
      const dying = openMongo(uri, { monitorCommands: true });
      let writes = 0;
      dying.client.on("commandStarted", ({ commandName }) => {
        const isWrite = ["update", "findAndModify", "insert"].includes(commandName);
        if (isWrite && ++writes === last) void dying.client.close();
      });
      const run = async () => {
        for (const { apply } of MIGRATIONS) await apply(dying.database);
      };
      await expect(run()).rejects.toThrow();
      await dying.client.close();
      expect((await migrate("--apply")).outcomes.every(({ left }) => left === 0)).toBe(true);
      const resumed = await contents();
      await opened.client.close();
      await loadDump();
      await rotateOnceMore();
      expect(await contents()).toEqual(untouched);
      await migrate("--apply");
      expect(resumed).toEqual(await contents());
    },
  );

  test("leaves a document that an event changes meanwhile to the next run", async () => {
    const racing = openMongo(uri, { monitorCommands: true });
    const advance = { $set: { status: "past_due" }, $inc: { version: 1 } };
    let raced: Promise<unknown> | undefined;
    // The previous release's write of Stripe's state, between the migration's read and its write.
    racing.client.on("commandSucceeded", ({ commandName }) => {
      if (commandName === "find")
        raced ??= database
          .collection<Subscription>("subscriptions")
          .updateMany({ userId: "user_ada" }, advance);
    });
    const [, complete] = MIGRATIONS;
    await complete?.apply(racing.database);
    await raced;
    await racing.client.close();
    await migrate("--apply");
    const stored = await subscription("sub_ada0");
    expect(stored).toMatchObject({ status: "past_due", stpCreatedAt: OF_2022 });
    expect(stored?.version).toBeGreaterThanOrEqual(2);
  });
});
