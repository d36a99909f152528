import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isClientError, memoryStore } from "#client/index.ts";
import { clientOf, newestLink, plainStore, signedIn, storedTokens } from "#tests/packages/client/support.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { MAC } from "#tests/support/nest.ts";

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

/** Longer than an access token lives. */
const pass = () => stack.pass(3601);
const lose = () => {
  throw new TypeError("the network is gone");
};
const kindOf = async (work: Promise<unknown>) => {
  try {
    await work;
    return "answered";
  } catch (error) {
    if (!isClientError(error)) throw error;
    return error.code ?? error.kind;
  }
};
const revoke = async (refresh_token: string | undefined) => {
  const answer = await fetch(`${stack.api.url}/1/2021-10-06/revoke_token`, {
    method: "POST",
    body: JSON.stringify({ client_id: MAC, refresh_token }),
  });
  expect(answer.status).toBe(204);
};

describe("an access token that has ended", () => {
  test("is refreshed once however many calls meet it, and every call is answered", async () => {
    const { nest, network, who } = await signedIn(stack);
    for (let round = 1; round <= 3; round++) {
      pass();
      const before = network.count("authenticate_user");
      const users = await Promise.all(Array.from({ length: 50 }, () => nest.call("get_user")));
      expect(new Set(users.map(({ id }) => id))).toEqual(new Set([who.userId]));
      expect(network.count("authenticate_user") - before, `round ${round}`).toBe(1);
    }
  });

  test.each([
    ["that can lock", memoryStore, 1],
    ["that can't", plainStore, 4],
  ])(
    "is refreshed by clients that share a store %s without signing anybody out",
    async (_what, make, most) => {
      const store = make();
      const { who } = await signedIn(stack, { store });
      const clients = Array.from({ length: 4 }, () => clientOf(stack.api, { store }));
      for (let round = 1; round <= 4; round++) {
        pass();
        const before = clients.reduce((sum, { network }) => sum + network.count("authenticate_user"), 0);
        const users = await Promise.all(
          clients.flatMap(({ nest }) => Array.from({ length: 5 }, () => nest.call("get_user"))),
        );
        expect(new Set(users.map(({ id }) => id))).toEqual(new Set([who.userId]));
        const refreshes =
          clients.reduce((sum, { network }) => sum + network.count("authenticate_user"), 0) - before;
        expect(refreshes >= 1 && refreshes <= most, `round ${round}`).toBe(true);
      }
    },
  );

  test("is refreshed again after an answer that was lost, with the same token and the same successor", async () => {
    const { nest, network, store } = await signedIn(stack);
    const first = await storedTokens(store);
    pass();
    network.after("authenticate_user", lose);
    expect(await kindOf(nest.call("get_user"))).toBe("network");
    expect(await storedTokens(store)).toEqual(first);
    stack.pass(60);
    await nest.call("get_user");
    const second = await storedTokens(store);
    expect(second?.refresh_token).not.toBe(first?.refresh_token);
    pass();
    await nest.call("get_user");
  });

  test("is not waited for by who wants new tokens now; without any, that is signed out", async () => {
    const { nest, network, store } = await signedIn(stack);
    const first = await storedTokens(store);
    await Promise.all([nest.refresh(), nest.refresh()]);
    expect((await storedTokens(store))?.refresh_token).not.toBe(first?.refresh_token);
    expect(network.asked).toEqual(["authenticate_user"]);
    await nest.call("get_user");
    expect(await kindOf(clientOf(stack.api).nest.refresh())).toBe("signed_out");
  });

  test("is refreshed for everybody though the call that began it was aborted", async () => {
    const { nest, network } = await signedIn(stack);
    pass();
    const controller = new AbortController();
    const gate = Promise.withResolvers<void>();
    network.before("authenticate_user", () => {
      controller.abort();
      return gate.promise;
    });
    const aborted = kindOf(nest.call("get_user", {}, { signal: controller.signal }));
    const other = nest.call("list_sessions");
    expect(await aborted).toBe("aborted");
    gate.resolve();
    expect(await other).toHaveLength(1);
    expect(network.count("authenticate_user")).toBe(1);
  });
});

describe("tokens that another client of the store has replaced", () => {
  test("are not overwritten by the answer of a refresh that was slow", async () => {
    const store = plainStore();
    const slow = await signedIn(stack, { store });
    const fast = clientOf(stack.api, { store });
    pass();
    const gate = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    slow.network.after("authenticate_user", () => {
      begun.resolve();
      return gate.promise;
    });
    const late = slow.nest.call("get_user");
    await begun.promise;
    await fast.nest.call("get_user");
    pass();
    await fast.nest.call("get_user");
    const newest = await storedTokens(store);
    gate.resolve();
    await late;
    expect(await storedTokens(store)).toEqual(newest);
    pass();
    for (const { nest } of [slow, fast]) await nest.call("get_user");
  });

  test("count before anybody is told to sign in again", async () => {
    const store = plainStore();
    const { nest, network, address } = await signedIn(stack, { store });
    const other = clientOf(stack.api, { store });
    pass();
    network.before("authenticate_user", async () => {
      await revoke((await storedTokens(store))?.refresh_token);
      await other.nest.sendMagicLink(address);
      await other.nest.finishSignIn(newestLink(stack));
    });
    expect((await nest.call("get_user")).identifiers[0]?.identifier_value).toBe(address);
    expect(await nest.signedIn()).not.toBeNull();
  });

  test("are used as they are, without a refresh", async () => {
    const store = memoryStore();
    const one = await signedIn(stack, { store });
    const other = clientOf(stack.api, { store });
    pass();
    one.network.after("get_user", () => other.nest.call("get_user"));
    await one.nest.call("get_user");
    expect([one.network.count("authenticate_user"), other.network.count("authenticate_user")]).toEqual([
      0, 1,
    ]);
  });
});

describe("a session that is over", () => {
  test("signs out once and for all, and asks nobody afterwards", async () => {
    const { nest, network, store } = await signedIn(stack);
    await revoke((await storedTokens(store))?.refresh_token);
    const kinds = await Promise.all(Array.from({ length: 20 }, () => kindOf(nest.call("get_user"))));
    expect(new Set(kinds)).toEqual(new Set(["signed_out"]));
    expect([await nest.signedIn(), network.count("authenticate_user")]).toEqual([null, 1]);
    const asked = network.asked.length;
    expect(await kindOf(nest.call("get_user"))).toBe("signed_out");
    expect(network.asked).toHaveLength(asked);
  });

  test("asks nothing about somebody as somebody else who signed in to the same store meanwhile", async () => {
    const store = memoryStore();
    const { nest, network } = await signedIn(stack, { store });
    pass();
    const other = memoryStore();
    const { who } = await signedIn(stack, { store: other });
    network.after("get_user", async () => {
      await store.set("tokens", (await other.get("tokens")) ?? "");
    });
    const before = network.count("get_user");
    expect(await kindOf(nest.call("get_user"))).toBe("signed_out");
    expect(network.count("get_user") - before).toBe(1);
    expect(await nest.call("get_user")).toMatchObject({ id: who.userId });
  });

  test("stays over though a refresh was under way when the person signed out", async () => {
    const store = plainStore();
    const { nest, network } = await signedIn(stack, { store });
    const elsewhere = clientOf(stack.api, { store });
    pass();
    const tokens = await storedTokens(store);
    network.after("authenticate_user", () => elsewhere.nest.signOut());
    expect(await kindOf(nest.call("get_user"))).toBe("signed_out");
    expect(await storedTokens(store)).toBeNull();
    const replay = await fetch(`${stack.api.url}/1/2021-10-06/authenticate_user`, {
      method: "POST",
      body: JSON.stringify({
        client_id: MAC,
        grant_type: "refresh_token",
        refresh_token: tokens?.refresh_token,
      }),
    });
    expect(await replay.json()).toEqual({ code: "authorization_not_found" });
  });

  test("is not what a refusal means that may pass: nobody is signed out", async () => {
    const { nest, store, network } = await signedIn(stack);
    const tokens = await storedTokens(store);
    const other = { id: "client_other", name: "Other", enabled: true, redirectUris: [], origins: [] };
    const lifetimes = { accessTokenLifetime: 3600, sessionMaxDays: null };
    const without = await stack.beside({ CLIENTS: JSON.stringify([{ ...other, ...lifetimes }]) });
    const there = clientOf(without, { store });
    const error = await there.nest.call("get_user").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ kind: "refresh_failed", cause: { code: "client_not_found", status: 404 } });
    await without.close();
    pass();
    network.before("authenticate_user", lose);
    expect(await kindOf(nest.call("get_user"))).toBe("network");
    expect(await storedTokens(store)).toEqual(tokens);
    await nest.call("get_user");
  });

  test("is ended here even if Nest can't be told", async () => {
    const { nest, network } = await signedIn(stack);
    network.before("revoke_token", lose);
    expect(await kindOf(nest.signOut())).toBe("network");
    expect(await nest.signedIn()).toBeNull();
  });
});
