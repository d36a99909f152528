import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { memoryStore } from "#client/index.ts";
import { clientOf, newestLink, outcomeOf, plainStore } from "#tests/packages/client/support.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

describe("a link that is handed over twice", () => {
  test.each([
    ["one client", memoryStore, 1],
    ["one client without a lock", plainStore, 1],
    ["two clients of one store", memoryStore, 2],
  ])("to %s at once is redeemed once, and both calls return the user", async (what, make, count) => {
    const store = make();
    const clients = Array.from({ length: count }, () => clientOf(stack.api, { store }));
    const [first = clientOf(stack.api), second = first] = clients;
    await first.nest.sendMagicLink(`${what.replaceAll(" ", ".")}@example.com`);
    const link = newestLink(stack);
    const [one, other] = await Promise.all([
      first.nest.finishSignIn(link),
      second.nest.finishSignIn(link.href),
    ]);
    expect(other).toEqual(one);
    const exchanges = clients.reduce((sum, { network }) => sum + network.count("authenticate_user"), 0);
    expect(exchanges).toBe(1);
    for (const { nest } of clients) expect((await nest.call("get_user")).id).toBe(one.userId);
    expect((await first.nest.call("list_sessions")).items).toHaveLength(1);
  });

  test("to two clients of a store without a lock returns the user to both", async () => {
    const store = plainStore();
    const [first, second] = [clientOf(stack.api, { store }), clientOf(stack.api, { store })];
    await first.nest.sendMagicLink("twice.unlocked@example.com");
    const link = newestLink(stack);
    // The second client's code reaches Nest while the first one's response is on its way.
    const isAnswered = Promise.withResolvers<void>();
    const isRefused = Promise.withResolvers<void>();
    first.network.after("authenticate_user", () => {
      isAnswered.resolve();
      return isRefused.promise;
    });
    second.network.before("authenticate_user", () => isAnswered.promise);
    second.network.after("authenticate_user", () => isRefused.resolve());
    const [one, other] = await Promise.all([first.nest.finishSignIn(link), second.nest.finishSignIn(link)]);
    expect(other).toEqual(one);
    expect((await second.nest.call("list_sessions")).items).toHaveLength(1);
  });

  test("after its sign-in returns the user, also after a refresh, in another client of the store", async () => {
    const store = memoryStore();
    const { nest, network } = clientOf(stack.api, { store });
    await nest.sendMagicLink("again.later@example.com");
    const link = newestLink(stack);
    const who = await nest.finishSignIn(link);
    stack.pass(3601);
    await nest.call("get_user");
    const asked = network.asked.length;
    expect(await nest.finishSignIn(link)).toEqual(who);
    expect(network.asked).toHaveLength(asked);
    const other = clientOf(stack.api, { store });
    expect(await other.nest.finishSignIn(link)).toEqual(who);
    expect(other.network.asked).toEqual([]);
  });

  test("after a sign-out, or after a sign-in by another link, is unknown", async () => {
    const { nest, network } = clientOf(stack.api);
    await nest.sendMagicLink("then.out@example.com");
    const link = newestLink(stack);
    await nest.finishSignIn(link);
    await nest.sendMagicLink("then.other@example.com");
    await nest.finishSignIn(newestLink(stack));
    const asked = network.asked.length;
    expect(await outcomeOf(nest.finishSignIn(link))).toBe("unknown_link");
    expect(network.asked).toHaveLength(asked);
    await nest.signOut();
    expect(await outcomeOf(nest.finishSignIn(newestLink(stack)))).toBe("unknown_link");
  });

  test("is redeemed by the second call when the first one fails", async () => {
    const { nest, network } = clientOf(stack.api);
    await nest.sendMagicLink("first.fails@example.com");
    network.before("authenticate_user", () => {
      throw new TypeError("no network");
    });
    const link = newestLink(stack);
    const outcomes = await Promise.all([
      outcomeOf(nest.finishSignIn(link)),
      outcomeOf(nest.finishSignIn(link)),
    ]);
    expect(outcomes).toEqual(["network", "answered"]);
  });
});
