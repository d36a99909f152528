import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isClientError, memoryStore } from "#client/index.ts";
import { clientOf, newestLink, plainStore, signedIn, storedTokens } from "#tests/packages/client/support.ts";
import { appWithClients } from "#tests/support/app.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { MAC, WINDOWS } from "#tests/support/nest.ts";

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

/** Moves the clock past the end of all access tokens. */
const expireAccessTokens = () => stack.pass(3601);
const lose = () => {
  throw new TypeError("network failure");
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

describe("an expired access token", () => {
  test("is refreshed once when 50 calls race, and all calls succeed", async () => {
    const { nest, network, who } = await signedIn(stack);
    for (let round = 1; round <= 3; round++) {
      expireAccessTokens();
      const before = network.count("authenticate_user");
      const users = await Promise.all(Array.from({ length: 50 }, () => nest.call("get_user")));
      expect(new Set(users.map(({ id }) => id))).toEqual(new Set([who.userId]));
      expect(network.count("authenticate_user") - before, `round ${round}`).toBe(1);
    }
  });

  test.each([
    ["with a lock", memoryStore, 1],
    ["without a lock", plainStore, 4],
  ])(
    "is refreshed by clients that share a store %s, and the user stays signed in",
    async (_what, make, most) => {
      const store = make();
      const { who } = await signedIn(stack, { store });
      const clients = Array.from({ length: 4 }, () => clientOf(stack.api, { store }));
      for (let round = 1; round <= 4; round++) {
        expireAccessTokens();
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

  test("is refreshed again with the same refresh token after a lost response", async () => {
    const { nest, network, store } = await signedIn(stack);
    const first = await storedTokens(store);
    expireAccessTokens();
    network.after("authenticate_user", lose);
    expect(await kindOf(nest.call("get_user"))).toBe("network");
    expect(await storedTokens(store)).toEqual(first);
    stack.pass(60);
    await nest.call("get_user");
    const second = await storedTokens(store);
    expect(second?.refresh_token).not.toBe(first?.refresh_token);
    expireAccessTokens();
    await nest.call("get_user");
  });

  test("is not required for refresh(), which fails with signed_out without tokens", async () => {
    const { nest, network, store } = await signedIn(stack);
    const first = await storedTokens(store);
    await Promise.all([nest.refresh(), nest.refresh()]);
    expect((await storedTokens(store))?.refresh_token).not.toBe(first?.refresh_token);
    expect(network.asked).toEqual(["authenticate_user"]);
    await nest.call("get_user");
    expect(await kindOf(clientOf(stack.api).nest.refresh())).toBe("signed_out");
  });

  test("is refreshed for all calls when the call that started the refresh is aborted", async () => {
    const { nest, network } = await signedIn(stack);
    expireAccessTokens();
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
    expect((await other).items).toHaveLength(1);
    expect(network.count("authenticate_user")).toBe(1);
  });
});

describe("tokens that another client of the store replaced", () => {
  test("are not overwritten by a slower refresh", async () => {
    const store = plainStore();
    const slow = await signedIn(stack, { store });
    const fast = clientOf(stack.api, { store });
    expireAccessTokens();
    const gate = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    slow.network.after("authenticate_user", () => {
      begun.resolve();
      return gate.promise;
    });
    const late = slow.nest.call("get_user");
    await begun.promise;
    await fast.nest.call("get_user");
    expireAccessTokens();
    await fast.nest.call("get_user");
    const newest = await storedTokens(store);
    gate.resolve();
    await late;
    expect(await storedTokens(store)).toEqual(newest);
    expireAccessTokens();
    for (const { nest } of [slow, fast]) await nest.call("get_user");
  });

  test("are used when this client's refresh is rejected", async () => {
    const store = plainStore();
    const { nest, network, address } = await signedIn(stack, { store });
    const other = clientOf(stack.api, { store });
    expireAccessTokens();
    network.before("authenticate_user", async () => {
      await revoke((await storedTokens(store))?.refresh_token);
      await other.nest.sendMagicLink(address);
      await other.nest.finishSignIn(newestLink(stack));
    });
    expect((await nest.call("get_user")).identifiers[0]?.identifier_value).toBe(address);
    expect(await nest.signedIn()).not.toBeNull();
  });

  test("are used without a refresh", async () => {
    const store = memoryStore();
    const one = await signedIn(stack, { store });
    const other = clientOf(stack.api, { store });
    expireAccessTokens();
    one.network.after("get_user", () => other.nest.call("get_user"));
    await one.nest.call("get_user");
    expect(one.network.count("authenticate_user")).toBe(0);
    expect(other.network.count("authenticate_user")).toBe(1);
  });
});

describe("a session that has ended", () => {
  test("signs out the client, which sends no further requests", async () => {
    const { nest, network, store } = await signedIn(stack);
    await revoke((await storedTokens(store))?.refresh_token);
    const kinds = await Promise.all(Array.from({ length: 20 }, () => kindOf(nest.call("get_user"))));
    expect(new Set(kinds)).toEqual(new Set(["signed_out"]));
    expect(await nest.signedIn()).toBeNull();
    expect(network.count("authenticate_user")).toBe(1);
    const asked = network.asked.length;
    expect(await kindOf(nest.call("get_user"))).toBe("signed_out");
    expect(network.asked).toHaveLength(asked);
  });

  test("does not repeat a call with the tokens of another user who signed in to the same store", async () => {
    const store = memoryStore();
    const { nest, network } = await signedIn(stack, { store });
    expireAccessTokens();
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

  test("stays ended when the user signs out during a refresh", async () => {
    const store = plainStore();
    const { nest, network } = await signedIn(stack, { store });
    const elsewhere = clientOf(stack.api, { store });
    expireAccessTokens();
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

  test("is not assumed after a temporary error: the user stays signed in", async () => {
    const { nest, store, network } = await signedIn(stack);
    const tokens = await storedTokens(store);
    const without = await stack.beside({ app: appWithClients({ id: "client_other" }) });
    const there = clientOf(without, { store });
    const error = await there.nest.call("get_user").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ kind: "refresh_failed", cause: { code: "client_not_found", status: 404 } });
    await without.close();
    expireAccessTokens();
    network.before("authenticate_user", lose);
    expect(await kindOf(nest.call("get_user"))).toBe("network");
    expect(await storedTokens(store)).toEqual(tokens);
    await nest.call("get_user");
  });

  test("is ended on this device even if Nest can't be reached", async () => {
    const { nest, network } = await signedIn(stack);
    network.before("revoke_token", lose);
    expect(await kindOf(nest.signOut())).toBe("network");
    expect(await nest.signedIn()).toBeNull();
  });
});

describe("tokens that the app got under its previous client id", () => {
  test("are refreshed, and the user stays signed in", async () => {
    const { store, who } = await signedIn(stack);
    const { nest } = clientOf(stack.api, { store, clientId: WINDOWS });
    expireAccessTokens();
    expect(await nest.call("get_user")).toMatchObject({ id: who.userId });
    expect(await nest.signedIn()).toEqual({ userId: who.userId, clientId: MAC });
  });

  test("are revoked at sign-out", async () => {
    const { store } = await signedIn(stack);
    const { refresh_token = "" } = (await storedTokens(store)) ?? {};
    await clientOf(stack.api, { store, clientId: WINDOWS }).nest.signOut();
    const refresh = { client_id: MAC, grant_type: "refresh_token", refresh_token };
    const answer = await fetch(`${stack.api.url}/1/2021-10-06/authenticate_user`, {
      method: "POST",
      body: JSON.stringify(refresh),
    });
    expect(await answer.json()).toMatchObject({ code: "authorization_not_found" });
  });
});
