import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { memoryStore, type Store } from "#client/index.ts";
import {
  clientOf,
  newestLink,
  outcomeOf,
  plainStore,
  signedIn,
  storedTokens,
} from "#tests/packages/client/support.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { MAC } from "#tests/support/nest.ts";

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

/** A store whose methods a test replaces. */
function faultyStore(): Store & { inner: Store; fault: Partial<Pick<Store, "get" | "set" | "delete">> } {
  const inner = memoryStore();
  const faulty = {
    inner,
    fault: {} as Partial<Pick<Store, "get" | "set" | "delete">>,
    get: (name: string) => (faulty.fault.get ?? inner.get)(name),
    set: (name: string, value: string) => (faulty.fault.set ?? inner.set)(name, value),
    delete: (name: string) => (faulty.fault.delete ?? inner.delete)(name),
    lock: inner.lock,
  };
  return faulty;
}
const throwing = (message: string) => () => {
  throw new Error(message);
};
const locked = throwing("The keychain is locked");
const full = throwing("QuotaExceededError");
const nothing = () => undefined;
/** The status of a refresh with these tokens, straight from Nest. */
const refreshStatus = async (refresh_token: string | undefined) =>
  (
    await stack.ask("POST", "/1/2021-10-06/authenticate_user", {
      client_id: MAC,
      grant_type: "refresh_token",
      refresh_token,
    })
  ).status;

describe("a store that can't be read", () => {
  test("throws its error from every call, and nothing is forgotten or deleted", async () => {
    const store = faultyStore();
    const { nest, network, who } = await signedIn(stack, { store });
    const before = await store.get("tokens");
    store.fault = { get: locked };
    const calls = [
      () => nest.call("get_user"),
      () => nest.signedIn(),
      () => nest.signOut(),
      () => nest.refresh(),
      () => nest.sendMagicLink("locked@example.com"),
      () => nest.finishSignIn("code=a&state=b"),
    ];
    for (const call of calls)
      expect(await outcomeOf(call()), String(call)).toBe("thrown: The keychain is locked");
    expect(network.asked).toEqual([]);
    store.fault = {};
    expect(await store.get("tokens")).toBe(before);
    expect((await nest.signedIn())?.userId).toBe(who.userId);
    await nest.call("get_user");
    await nest.signOut();
    expect(await refreshStatus(JSON.parse(String(before)).refresh_token)).toBe(400);
  });

  test("keeps the session when it fails during a refresh, before or after the response", async () => {
    const store = faultyStore();
    const { nest, network } = await signedIn(stack, { store });
    for (const when of ["before", "after"] as const) {
      stack.pass(3601);
      network[when]("authenticate_user", () => {
        store.fault = { get: locked };
      });
      expect(await outcomeOf(nest.call("get_user")), when).toBe("thrown: The keychain is locked");
      store.fault = {};
      stack.pass(60);
      await nest.call("get_user");
    }
  });

  test("does not lose other pending links when it fails during a new one", async () => {
    const store = faultyStore();
    const { nest } = clientOf(stack.api, { store });
    await nest.sendMagicLink("pending@example.com");
    const link = newestLink(stack);
    store.fault = { get: locked };
    expect(await outcomeOf(nest.sendMagicLink("next@example.com"))).toBe("thrown: The keychain is locked");
    store.fault = {};
    await nest.finishSignIn(link);
  });
});

describe("a store that is full", () => {
  test.each([
    ["throws", full],
    ["drops the value", nothing],
  ])("and %s is noticed before a code is sent, and the link works later", async (_what, set) => {
    const store = faultyStore();
    const { nest, network } = clientOf(stack.api, { store });
    await nest.sendMagicLink("full@example.com");
    store.fault = { set };
    expect(await outcomeOf(nest.finishSignIn(newestLink(stack)))).toMatch(/^thrown: /);
    expect(network.count("authenticate_user")).toBe(0);
    store.fault = {};
    await nest.finishSignIn(newestLink(stack));
    expect(await store.get("probe")).toBeNull();
  });

  test("has room for a few bytes but not for tokens: the code is not sent", async () => {
    const store = faultyStore();
    const { nest, network } = clientOf(stack.api, { store });
    await nest.sendMagicLink("small@example.com");
    store.fault = { set: (name, value) => (value.length > 800 ? full() : store.inner.set(name, value)) };
    expect(await outcomeOf(nest.finishSignIn(newestLink(stack)))).toBe("thrown: QuotaExceededError");
    expect(network.count("authenticate_user")).toBe(0);
  });

  test("is noticed before a grant that works once is sent", async () => {
    const store = faultyStore();
    const { nest, network } = clientOf(stack.api, { store });
    store.fault = { set: full };
    const grant = { grant_type: "otp", nonce: "n", code: "123456" } as const;
    expect(await outcomeOf(nest.signIn(grant))).toBe("thrown: QuotaExceededError");
    expect(network.asked).toEqual([]);
  });

  test("probes with a value that is not shorter than the stored tokens", async () => {
    const store = faultyStore();
    const lengths = new Map<string, number>();
    store.fault = {
      set: (name, value) => {
        lengths.set(name, value.length);
        return store.inner.set(name, value);
      },
    };
    await signedIn(stack, { store });
    expect(lengths.get("probe")).toBeGreaterThanOrEqual(lengths.get("tokens") as number);
  });

  test("gets the tokens of a sign-in at the next call if it fails after the code was sent", async () => {
    const store = faultyStore();
    const { nest, network } = clientOf(stack.api, { store });
    await nest.sendMagicLink("late.full@example.com");
    network.after("authenticate_user", () => {
      store.fault = { set: full };
    });
    expect(await outcomeOf(nest.finishSignIn(newestLink(stack)))).toBe("thrown: QuotaExceededError");
    expect(await store.get("tokens")).toBeNull();
    store.fault = {};
    const { userId } = await nest.finishSignIn(newestLink(stack));
    expect((await storedTokens(store))?.refresh_token).toMatch(/^01\./);
    expect((await nest.call("get_user")).id).toBe(userId);
    expect(network.count("authenticate_user")).toBe(1);
  });

  test.each([
    ["throws", full],
    ["drops the value", nothing],
    ["truncates the value and throws", "truncate and throw"],
    ["truncates the value", "truncate"],
  ] as const)(
    "and %s keeps new tokens in memory, unused, and stores them at the next call",
    async (_what, fault) => {
      const store = faultyStore();
      const { nest, network } = await signedIn(stack, { store });
      const first = await storedTokens(store);
      stack.pass(3601);
      const set = (name: string, value: string) => {
        if (typeof fault !== "string") return fault();
        void store.inner.set(name, value.slice(0, value.length / 2));
        if (fault === "truncate and throw") full();
      };
      network.after("authenticate_user", () => {
        store.fault = { set };
      });
      expect(await outcomeOf(nest.call("get_user"))).toMatch(/^thrown: /);
      expect(await outcomeOf(nest.call("get_user"))).toMatch(/^thrown: /);
      expect(await nest.signedIn()).not.toBeNull();
      // Nest returns the same successor again, because nobody has used it: a new process with the old tokens goes on.
      expect(await refreshStatus(first?.refresh_token)).toBe(200);
      store.fault = {};
      stack.pass(60);
      await nest.call("get_user");
      expect(network.count("authenticate_user")).toBe(1);
      expect((await storedTokens(store))?.refresh_token).not.toBe(first?.refresh_token);
      stack.pass(3601);
      await nest.call("get_user");
    },
  );

  test("does not get unsaved tokens after another client has signed out or refreshed", async () => {
    const store = faultyStore();
    const { nest, network } = await signedIn(stack, { store });
    const other = clientOf(stack.api, { store });
    const failToStore = async () => {
      stack.pass(3601);
      network.after("authenticate_user", () => {
        store.fault = { set: full };
      });
      expect(await outcomeOf(nest.call("get_user"))).toBe("thrown: QuotaExceededError");
      store.fault = {};
    };
    await failToStore();
    await other.nest.call("get_user");
    const newer = await storedTokens(store);
    await nest.call("get_user");
    expect(await storedTokens(store)).toEqual(newer);
    await failToStore();
    await other.nest.signOut();
    expect(await outcomeOf(nest.call("get_user"))).toBe("signed_out");
    expect(await storedTokens(store)).toBeNull();
  });

  test("does not fail a sign-in when the pending link can't be removed", async () => {
    const store = faultyStore();
    const { nest, network } = clientOf(stack.api, { store });
    await nest.sendMagicLink("remove@example.com");
    network.after("authenticate_user", () => {
      store.fault = { delete: (name) => (name === "links" ? full() : store.inner.delete(name)) };
    });
    const who = await nest.finishSignIn(newestLink(stack));
    store.fault = {};
    expect(await nest.finishSignIn(newestLink(stack))).toEqual(who);
  });
});

describe("damaged values in a store", () => {
  test.each(["null", "{}", "123", '"x"', "[null]", "[", '[{"state":1}]', ""])(
    "are no pending links: %s",
    async (links) => {
      const { nest, store } = clientOf(stack.api);
      await store.set("links", links);
      expect(await outcomeOf(nest.finishSignIn("code=a.b&state=c"))).toBe("unknown_link");
      await nest.sendMagicLink("damaged.links@example.com");
      await nest.finishSignIn(newestLink(stack));
    },
  );

  test("do not hide valid links in the same value", async () => {
    const { nest, store } = clientOf(stack.api);
    await nest.sendMagicLink("beside@example.com");
    const [good] = JSON.parse(String(await store.get("links")));
    await store.set("links", JSON.stringify([null, 7, good, { state: "x" }]));
    await nest.sendMagicLink("beside.other@example.com");
    const mail = stack.ses.inbox.at(-2)?.text ?? "";
    await nest.finishSignIn(mail);
  });

  test.each(["{}", "[]", "123", '"x"', '{"access_token":"a"}', '{"access_token":"a","refresh_t', ""])(
    "are reported as damaged tokens, and the user can sign in: %s",
    async (tokens) => {
      const { nest, store, network } = clientOf(stack.api);
      await store.set("tokens", tokens);
      const error = await nest.call("get_user").catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        kind: "signed_out",
        cause: { message: "The stored tokens are damaged." },
      });
      expect(await nest.signedIn()).toBeNull();
      expect(await store.get("tokens")).toBe(tokens);
      expect(network.asked).toEqual([]);
      const signOut = await nest.signOut().catch((thrown: unknown) => thrown);
      expect(signOut).toMatchObject({ kind: "signed_out", method: "revoke_token" });
      expect(await store.get("tokens")).toBeNull();
      await store.set("tokens", tokens);
      await nest.sendMagicLink("damaged.tokens@example.com");
      await nest.finishSignIn(newestLink(stack));
      await nest.call("get_user");
    },
  );

  test("are replaced by the good tokens that the client still has in memory", async () => {
    for (const make of [memoryStore, plainStore]) {
      const store = make();
      const { nest, who } = await signedIn(stack, { store });
      const text = String(await store.get("tokens"));
      await store.set("tokens", text.slice(0, 200));
      expect(await nest.signedIn()).toEqual({ userId: who.userId, clientId: MAC });
      await nest.call("get_user");
      expect(await store.get("tokens")).toBe(text);
      stack.pass(3601);
      await store.set("tokens", "{}");
      await nest.call("get_user");
    }
  });
});
