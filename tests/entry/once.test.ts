import { describe, expect, test } from "vitest";
import { once } from "#entry/once.ts";

const PASSING = new Error("not reachable");
const LASTING = new Error("not configured");
const isRetryable = (error: unknown) => error === PASSING;

/** Creates a `once` whose attempts have the given outcomes in turn, and counts the attempts. */
function opener(...outcomes: (string | Error)[]) {
  const state = { opened: 0 };
  const open = async () => {
    const outcome = outcomes[state.opened++];
    if (outcome instanceof Error || outcome === undefined) throw outcome ?? new Error("opened too often");
    return outcome;
  };
  return { state, ...once(open, isRetryable) };
}

describe("once", () => {
  test("does not open before the first get", () => {
    expect(opener("a").state.opened).toBe(0);
  });

  test("opens once for 50 simultaneous calls and every later one", async () => {
    const { get, state } = opener("a", "b");
    expect(new Set(await Promise.all(Array.from({ length: 50 }, get)))).toEqual(new Set(["a"]));
    expect(await get()).toBe("a");
    expect(state.opened).toBe(1);
  });

  test("a get after start shares the attempt that start began", async () => {
    const { start, get, state } = opener("a", "b");
    start();
    start();
    expect(await get()).toBe("a");
    expect(state.opened).toBe(1);
  });

  test("keeps a permanent failure", async () => {
    const { get, state } = opener(LASTING, "b");
    await expect(get()).rejects.toBe(LASTING);
    await expect(get()).rejects.toBe(LASTING);
    expect(state.opened).toBe(1);
  });

  test("a get that began the attempt fails with it, and the next get opens again", async () => {
    const { get, state } = opener(PASSING, "b");
    await expect(get()).rejects.toBe(PASSING);
    expect(await get()).toBe("b");
    expect(state.opened).toBe(2);
  });

  test("a get that waited for an attempt begun earlier retries once when that attempt fails", async () => {
    const { start, get, state } = opener(PASSING, "b");
    start();
    expect(await get()).toBe("b");
    expect(state.opened).toBe(2);
  });

  test("a get retries at most once", async () => {
    const { start, get, state } = opener(PASSING, PASSING, "c");
    start();
    await expect(get()).rejects.toBe(PASSING);
    expect(state.opened).toBe(2);
  });

  test("50 calls that waited for a failed attempt share one retry", async () => {
    const { start, get, state } = opener(PASSING, "b", "c");
    start();
    expect(new Set(await Promise.all(Array.from({ length: 50 }, get)))).toEqual(new Set(["b"]));
    expect(state.opened).toBe(2);
  });
});
