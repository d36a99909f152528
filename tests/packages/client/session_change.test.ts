import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { memoryStore, type SignedIn, type Store } from "#client/index.ts";
import { clientOf, newestLink, outcomeOf, signedIn } from "#tests/packages/client/support.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

/** A listener that records the user ids that it gets, and the errors. */
function recorder() {
  const heard: (string | null)[] = [];
  const errors: unknown[] = [];
  return {
    heard,
    errors,
    listener: (user: SignedIn | null) => void heard.push(user?.userId ?? null),
    onError: (error: unknown) => void errors.push(error),
  };
}

/** A store in memory that tells its watchers of changes, as localStorage tells other tabs. */
function watchedStore(): Store & { watchers: Set<() => void> } {
  const watchers = new Set<() => void>();
  return {
    ...memoryStore(),
    watchers,
    watch(changed) {
      watchers.add(changed);
      return () => void watchers.delete(changed);
    },
  };
}

describe("onSessionChange", () => {
  test("calls the listener once for the start, each sign-in of another user, and the sign-out", async () => {
    const { nest } = clientOf(stack.api);
    const { heard, listener } = recorder();
    nest.onSessionChange(listener);
    await expect.poll(() => heard).toEqual([null]);
    await nest.sendMagicLink("change@example.com");
    const first = await nest.finishSignIn(newestLink(stack));
    await nest.getUser();
    await nest.refresh();
    stack.pass(3601);
    await nest.getUser();
    await nest.sendMagicLink("another@example.com");
    const second = await nest.finishSignIn(newestLink(stack));
    await nest.signOut();
    await outcomeOf(nest.getUser());
    expect(heard).toEqual([null, first.userId, second.userId, null]);
  });

  test("calls each listener with the present user, and none after it was removed", async () => {
    const { nest, who } = await signedIn(stack);
    const early = recorder();
    const removed = recorder();
    const remove = nest.onSessionChange(removed.listener);
    remove();
    nest.onSessionChange(early.listener);
    await expect.poll(() => early.heard).toEqual([who.userId]);
    const late = recorder();
    const end = nest.onSessionChange(late.listener);
    await expect.poll(() => late.heard).toEqual([who.userId]);
    end();
    await nest.signOut();
    expect(early.heard).toEqual([who.userId, null]);
    expect([late.heard, removed.heard]).toEqual([[who.userId], []]);
  });

  test("calls the listener when Nest has ended the session", async () => {
    const { nest, who } = await signedIn(stack);
    const { heard, listener } = recorder();
    nest.onSessionChange(listener);
    const [session] = (await nest.listSessions()).items;
    await nest.revokeSession({ session_id: session?.id ?? "" });
    expect(heard).toEqual([who.userId]);
    expect(await outcomeOf(nest.getUser())).toBe("signed_out");
    expect(heard).toEqual([who.userId, null]);
  });

  test("lets a listener call the client at once", async () => {
    const { nest } = clientOf(stack.api);
    const ids: string[] = [];
    nest.onSessionChange(async (user) => {
      if (user) ids.push((await nest.getUser()).id);
    });
    await nest.sendMagicLink("at.once@example.com");
    const { userId } = await nest.finishSignIn(newestLink(stack));
    await expect.poll(() => ids).toEqual([userId]);
  });

  test("notices another client of the store at the next call, and with `watch` at once", async () => {
    for (const store of [memoryStore(), watchedStore()]) {
      const { nest, who } = await signedIn(stack, { store });
      const other = clientOf(stack.api, { store });
      const { heard, listener } = recorder();
      const end = other.nest.onSessionChange(listener);
      await expect.poll(() => heard).toEqual([who.userId]);
      await nest.signOut();
      if ("watchers" in store)
        for (const changed of (store as ReturnType<typeof watchedStore>).watchers) changed();
      else expect(await outcomeOf(other.nest.getUser())).toBe("signed_out");
      await expect.poll(() => heard).toEqual([who.userId, null]);
      end();
      if ("watchers" in store) expect((store as ReturnType<typeof watchedStore>).watchers.size).toBe(0);
    }
  });

  test("reports that the store can't be read, and calls the listener once it can", async () => {
    const store = memoryStore();
    let isLocked = true;
    const { nest } = clientOf(stack.api, {
      store: {
        ...store,
        get(name) {
          if (isLocked) throw new Error("The keychain is locked.");
          return store.get(name);
        },
      },
    });
    const { heard, errors, listener, onError } = recorder();
    nest.onSessionChange(listener, onError);
    await expect.poll(() => errors).toEqual([new Error("The keychain is locked.")]);
    expect(heard).toEqual([]);
    isLocked = false;
    await nest.signedIn();
    expect(heard).toEqual([null]);
  });
});
