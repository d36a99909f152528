import { BSON, type Db } from "mongodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createIndexes } from "#core/repositories/index_setup.ts";
import { type LimitWindow, LimitWindowsRepository } from "#core/repositories/limit_windows.ts";
import {
  type CountedGroup,
  OTHER_WINDOWS_LIMIT,
  type WindowLimit,
} from "#core/repositories/window_pipeline.ts";
import { seededRandom } from "#stripe_double/random.ts";
import { openFreshDatabase } from "#tests/support/database.ts";
import { seedOf } from "#tests/support/seed.ts";

let opened: Awaited<ReturnType<typeof openFreshDatabase>>;
let repository: LimitWindowsRepository;
beforeAll(async () => {
  opened = await openFreshDatabase();
  await createIndexes(opened.database);
  repository = new LimitWindowsRepository(opened.database);
});
afterAll(() => opened[Symbol.asyncDispose]());

const START = Date.now();
const at = (seconds: number, weight = 1) => ({ now: new Date(START + seconds * 1000), weight });
const limit = (id: string, capacity: number, seconds: number): WindowLimit => ({
  id,
  limit: id,
  capacity,
  seconds,
});
const counts = (windows: readonly LimitWindow[]) =>
  Object.fromEntries(windows.map(({ id, count }) => [id, count]));

describe("counting a call in the windows of a subject", () => {
  test("counts none of a group's windows if one of them is full, and other groups for themselves", async () => {
    const [network, day, trial] = [limit("network", 1, 60), limit("day", 5, 60), limit("trial", 5, 60)];
    const count = () => repository.count("together", [[[network], [day]], [[trial]]], at(0));
    expect((await count()).lastCounted).toEqual(["network", "day", "trial"]);
    const { lastCounted, windows } = await count();
    expect(lastCounted).toEqual(["trial"]);
    expect(counts(windows)).toEqual({ network: 1, day: 1, trial: 2 });
  });

  test("counts the second alternative while the first is full", async () => {
    const group: CountedGroup = [[limit("day", 1, 100), limit("hour", 1, 10)]];
    const counted = [];
    for (const seconds of [0, 1, 2, 12, 13, 101])
      counted.push((await repository.count("alternatives", [group], at(seconds))).lastCounted.join());
    expect(counted).toEqual(["day", "hour", "", "hour", "", "day"]);
  });

  test("begins a window with its first call, drops it when it ends, and keeps the document until its last window ends", async () => {
    const group = (name: string): CountedGroup => [[limit(name, 9, 10)]];
    await repository.count("ends", [group("a")], at(0));
    const second = await repository.count("ends", [group("b")], at(9.5));
    expect(second.windows.map(({ endsAt }) => endsAt)).toEqual([at(10).now, at(19.5).now]);
    const third = await repository.count("ends", [group("b")], at(10));
    expect(counts(third.windows)).toEqual({ b: 2 });
    expect(third.purgeAt).toEqual(at(19.5).now);
  });

  test("releases a call from its windows only, and never below 0", async () => {
    const [a, b] = [limit("a", 9, 60), limit("b", 9, 60)];
    const { windows } = await repository.count("released", [[[a], [b]]], at(0));
    const counted = windows.filter(({ id }) => id === "a").map((window) => ({ ...window, limit: "a" }));
    await repository.release("released", counted, 1);
    await repository.release("released", counted, 1);
    expect(counts((await repository.find("released"))?.windows ?? [])).toEqual({ a: 0, b: 1 });
  });

  test("does not release a call from the window that followed the call's window", async () => {
    const group: CountedGroup = [[limit("a", 9, 60)]];
    const { windows } = await repository.count("late release", [group], at(0));
    await repository.count("late release", [group], at(60));
    await repository.release(
      "late release",
      windows.map((window) => ({ ...window, limit: "a" })),
      1,
    );
    expect(counts((await repository.find("late release"))?.windows ?? [])).toEqual({ a: 1 });
  });

  test("fails, and does not repeat the count without end, if the database returns no document", async () => {
    let commands = 0;
    const findOneAndUpdate = async () => {
      commands++;
      return null;
    };
    const silent = { collection: () => ({ findOneAndUpdate }) } as unknown as Db;
    const counting = new LimitWindowsRepository(silent).count("silent", [[[limit("a", 9, 60)]]], at(0));
    await expect(counting).rejects.toThrow("the database returned no document of an upsert");
    expect(commands).toBe(3);
  });

  test("counts the same windows as a model that counts one call at a time", async () => {
    const seed = seedOf("limit windows");
    const random = seededRandom(seed);
    const pick = (most: number) => Math.floor(random() * most);
    const limits = ["a", "b", "c", "d", "e"].map((id) => limit(id, 1 + pick(3), 5 + pick(20)));
    const some = () => limits.filter(() => random() < 0.5);
    const model = new Map<string, { count: number; endsAt: number }>();
    let seconds = 0;
    for (let call = 0; call < 300; call++) {
      seconds += pick(4);
      const steps = some().map((first) => [first, ...some().filter(({ id }) => id > first.id)]);
      const groups: CountedGroup[] = random() < 0.5 ? [steps] : steps.map((step) => [step]);
      const nonEmpty = groups.filter((group) => group.length > 0);
      if (nonEmpty.length === 0) continue;
      for (const [id, { endsAt }] of model) if (endsAt <= seconds) model.delete(id);
      const isBelowLimit = ({ id, capacity }: WindowLimit) => (model.get(id)?.count ?? 0) < capacity;
      const chosen = nonEmpty.flatMap((group) => {
        const choices = group.map((alternatives) => alternatives.find(isBelowLimit));
        return choices.every((choice) => choice !== undefined) ? choices : [];
      });
      for (const { id, seconds: length } of new Set(chosen)) {
        const { count, endsAt } = model.get(id) ?? { count: 0, endsAt: seconds + length };
        model.set(id, { count: count + 1, endsAt });
      }
      const stored = await repository.count("model", nonEmpty, at(seconds));
      expect(stored.lastCounted, `call ${call}, SEED=${seed}`).toEqual(chosen.map(({ id }) => id));
      expect(
        Object.fromEntries(stored.windows.map(({ id, count, endsAt }) => [id, [count, endsAt.getTime()]])),
      ).toEqual(
        Object.fromEntries(
          [...model].map(([id, { count, endsAt }]) => [id, [count, at(endsAt).now.getTime()]]),
        ),
      );
    }
  });

  test("keeps a document below 16 KB and never drops the windows of the address, whatever the limits allow", async () => {
    const day = limit("links_per_address", 1_000_000, 86_400);
    const calls = OTHER_WINDOWS_LIMIT + 40;
    for (let call = 0; call < calls; call++) {
      const network = limit(call.toString(16).padStart(32, "0"), 10, 86_400);
      await repository.count("bounded", [[[network], [day]]], at(0));
    }
    const stored = await repository.find("bounded");
    expect(stored?.windows.length).toBeLessThanOrEqual(OTHER_WINDOWS_LIMIT + 2);
    expect(counts(stored?.windows ?? []).links_per_address).toBe(calls);
    expect(BSON.calculateObjectSize(stored ?? {})).toBeLessThan(16 * 1024);
  });
});
