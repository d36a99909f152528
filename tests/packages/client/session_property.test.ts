import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { memoryStore, type Store } from "#client/index.ts";
import {
  clientOf,
  newestLink,
  outcomeOf,
  storedTokens,
  withoutTimeouts,
} from "#tests/packages/client/support.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { seedOf } from "#tests/support/seed.ts";

/** More lives: `CLIENT_LIVES=500`. */
const LIVES = Number(process.env.CLIENT_LIVES ?? 15);
/** How long a call waits for a lock that is never granted. */
const WAIT = { timeoutMs: 1_000 };

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

/** What happens to the next request. */
const NETWORK = {
  good: null,
  "request lost": "before",
  "response lost": "after",
  "no content": [204, null],
  "empty object": [200, "{}"],
  null: [200, "null"],
  list: [200, "[]"],
  page: [200, "<!doctype html><p>Sign in to the hotel's network</p>"],
  "cut tokens": [200, '{"access_token":"a","refresh_token":"r","user_'],
  "wrong types": [200, '{"access_token":1,"refresh_token":2,"user_id":3,"client_id":4}'],
  "too many": [429, '{"message":"Too Many Requests"}'],
  crash: [500, '{"message":"Internal Server Error"}'],
  "bad gateway": [502, "<html>502</html>"],
  "not found elsewhere": [404, '{"code":"not_found"}'],
  "token expired elsewhere": [400, '{"code":"token_expired"}'],
} as const;
const GET = ["good", "throws"] as const;
const SET = ["good", "throws", "drops"] as const;
/** Values that are cut break the contract of a store. A client alone survives them. */
const SET_ALONE = [...SET, "cuts", "cuts and throws"] as const;
const LOCKS = ["good", "good", "good", "none", "refused", "never"] as const;

type Fault = (typeof GET)[number] | (typeof SET_ALONE)[number];
interface Step {
  does: "call" | "both" | "refresh" | "hold" | "same link";
  by: number;
  network: keyof typeof NETWORK;
  get: Fault;
  set: Fault;
  /** Faults of the store begin when the refresh has been answered, not before the call. */
  isLate: boolean;
  passSeconds: number;
}

const stepOf = (sets: readonly Fault[]): fc.Arbitrary<Step> =>
  fc.record({
    does: fc.constantFrom("call", "call", "both", "refresh", "hold", "same link"),
    by: fc.nat(1),
    network: fc.oneof(
      { weight: 1, arbitrary: fc.constant("good" as const) },
      { weight: 2, arbitrary: fc.constantFrom(...(Object.keys(NETWORK) as (keyof typeof NETWORK)[])) },
    ),
    get: fc.constantFrom<Fault>("good", "good", ...GET),
    set: fc.constantFrom<Fault>("good", "good", ...sets),
    isLate: fc.boolean(),
    passSeconds: fc.constantFrom(0, 5, 11, 60, 3601, 3601, 90_000),
  });
const life = fc.integer({ min: 1, max: 2 }).chain((clients) =>
  fc.record({
    clients: fc.constant(clients),
    lock: fc.constantFrom(...LOCKS),
    steps: fc.array(stepOf(clients === 1 ? SET_ALONE : SET), { minLength: 3, maxLength: 10 }),
  }),
);

/** A store with faults, and with a lock of a kind. */
function faultyStore(kind: (typeof LOCKS)[number]) {
  const inner = memoryStore();
  const faults: { get: Fault; set: Fault; lock: string } = { get: "good", set: "good", lock: kind };
  const soon = () => new Promise((resolve) => setImmediate(resolve));
  const lock: NonNullable<Store["lock"]> = (work) => {
    if (faults.lock === "never") return new Promise(() => undefined);
    if (faults.lock === "refused") return Promise.reject(new Error("no lock"));
    return (inner.lock as NonNullable<Store["lock"]>)(work);
  };
  const store: Store = {
    async get(name) {
      await soon();
      if (faults.get === "throws") throw new Error("locked");
      return inner.get(name);
    },
    async set(name, value) {
      await soon();
      if (faults.set === "good") await inner.set(name, value);
      if (faults.set.startsWith("cuts")) await inner.set(name, value.slice(0, value.length / 2));
      if (faults.set.endsWith("throws")) throw new Error("full");
    },
    async delete(name) {
      await soon();
      await inner.delete(name);
    },
    ...(kind === "none" ? {} : { lock }),
  };
  return { store, faults };
}

let people = 0;

/** Lives one life. @returns the session's tokens that the clients end with */
async function live({
  clients: count,
  lock,
  steps,
}: {
  clients: number;
  lock: (typeof LOCKS)[number];
  steps: Step[];
}) {
  // Past the hour of the limit of links.
  stack.pass(3_700);
  const { store, faults } = faultyStore(lock);
  const clients = Array.from({ length: count }, () => clientOf(stack.api, { store, send: withoutTimeouts }));
  const clientAt = (index: number) => clients[index % count] ?? clientOf(stack.api);
  const address = `life${++people}@example.com`;
  await clientAt(0).nest.sendMagicLink(address, WAIT);
  const link = newestLink(stack);
  const { userId } = await clientAt(0).nest.finishSignIn(link, WAIT);

  for (const step of steps) {
    const { nest, network } = clientAt(step.by);
    const other = clientAt(step.by + 1);
    const breakStore = () => Object.assign(faults, { get: step.get, set: step.set });
    const planned = NETWORK[step.network];
    const fail = () => {
      throw new TypeError("network failure");
    };
    // Half of the faults meet the refresh only.
    for (const method of step.isLate ? ["authenticate_user"] : ["authenticate_user", "get_user"]) {
      if (planned === "before" || planned === "after") network[planned](method, fail);
      else if (planned) network.instead(method, ...(planned as [number, string | null]));
    }
    if (step.isLate) network.after("authenticate_user", breakStore);
    else breakStore();
    stack.pass(step.passSeconds);
    const call = () => outcomeOf(nest.call("get_user", {}, WAIT));
    if (step.does === "call") await call();
    if (step.does === "both") await Promise.all([call(), outcomeOf(other.nest.call("get_user", {}, WAIT))]);
    if (step.does === "refresh") await outcomeOf(nest.refresh(WAIT));
    if (step.does === "same link") await outcomeOf(nest.finishSignIn(link, WAIT));
    if (step.does === "hold") {
      // The response to one client is held until the other client has been answered.
      const isOtherDone = Promise.withResolvers<void>();
      network.after("authenticate_user", () => isOtherDone.promise);
      const held = call();
      await outcomeOf(
        other === clientAt(step.by) ? Promise.resolve() : other.nest.call("get_user", {}, WAIT),
      );
      isOtherDone.resolve();
      await held;
    }
    Object.assign(faults, { get: "good", set: "good" });
    for (const each of clients) each.network.reset();
  }

  faults.lock = "good";
  for (let round = 1; round <= 2; round++) {
    for (const { nest } of clients) {
      expect(await outcomeOf(nest.call("get_user"))).toBe("answered");
      expect((await nest.signedIn())?.userId).toBe(userId);
    }
    stack.pass(3_601);
  }
  expect((await clientAt(0).nest.call("list_sessions")).items).toHaveLength(1);
  expect(await storedTokens(store)).not.toBeNull();
}

test(
  "a client keeps every session that Nest honors, whatever responses, stores, locks and other clients do",
  async () => {
    await fc.assert(fc.asyncProperty(life, live), { numRuns: LIVES, seed: seedOf("client") });
  },
  LIVES * 30_000,
);
