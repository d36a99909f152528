import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { memoryStore, type Store } from "#client/index.ts";
import {
  clientOf,
  newestLink,
  outcomeOf,
  signedIn,
  storedTokens,
  withoutTimeouts,
} from "#tests/packages/client/support.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

type Lock = NonNullable<Store["lock"]>;
const never: Lock = () => new Promise(() => undefined);
const LOCKS: [string, Lock][] = [
  ["is never granted", never],
  ["is refused", () => Promise.reject(new Error("no lock"))],
  [
    "throws",
    () => {
      throw new Error("no lock");
    },
  ],
  [
    "is lost after the work",
    async (work) => {
      await work();
      throw new Error("lost");
    },
  ],
];

describe("a lock", () => {
  test.each(LOCKS)("that %s does not stop any call", async (_what, lock) => {
    const store = { ...memoryStore(), lock };
    const { nest } = clientOf(stack.api, { store, timeoutMs: 500, send: withoutTimeouts });
    const wait = { timeoutMs: 500 };
    await nest.sendMagicLink("no.lock@example.com", wait);
    await nest.finishSignIn(newestLink(stack), wait);
    stack.pass(3601);
    await nest.call("get_user", {}, wait);
    await nest.refresh(wait);
    await nest.signOut(wait);
    expect(await store.get("tokens")).toBeNull();
  });

  test("that is never granted delays a call only by the call's own timeout", async () => {
    const inner = memoryStore();
    const { nest, network } = await signedIn(stack, { store: inner });
    const waiting = clientOf(stack.api, {
      store: { ...inner, lock: never },
      timeoutMs: Number.POSITIVE_INFINITY,
      send: withoutTimeouts,
    });
    stack.pass(3601);
    await waiting.nest.call("get_user", {}, { timeoutMs: 500 });
    await nest.call("get_user");
    expect(network.count("authenticate_user")).toBe(0);
  });

  test("that is granted too late does not run the work twice", async () => {
    const inner = memoryStore();
    const granted: (() => Promise<unknown>)[] = [];
    const late: Lock = <Value>(work: () => Promise<Value>) =>
      new Promise<Value>((resolve) => {
        granted.push(async () => resolve(await work()));
      });
    const store = { ...inner, lock: late };
    const { nest, network } = clientOf(stack.api, { store, timeoutMs: 500, send: withoutTimeouts });
    await nest.sendMagicLink("late.lock@example.com");
    await nest.finishSignIn(newestLink(stack));
    stack.pass(3601);
    await nest.call("get_user");
    const tokens = await storedTokens(store);
    const asked = network.asked.length;
    for (const grant of granted) await grant();
    expect(network.asked).toHaveLength(asked);
    expect(await storedTokens(store)).toEqual(tokens);
  });

  test("ends the wait of an aborted call", async () => {
    const inner = memoryStore();
    await signedIn(stack, { store: inner });
    const { nest } = clientOf(stack.api, { store: { ...inner, lock: never } });
    stack.pass(3601);
    for (const work of [
      (signal: AbortSignal) => nest.call("get_user", {}, { signal }),
      (signal: AbortSignal) => nest.sendMagicLink("aborted@example.com", { signal }),
      (signal: AbortSignal) => nest.finishSignIn("code=a.b&state=c", { signal }),
    ]) {
      const controller = new AbortController();
      const outcome = outcomeOf(work(controller.signal));
      controller.abort();
      expect(await outcome).toBe("aborted");
    }
  });
});
