import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NestClient } from "#client/index.ts";
import { METHODS, type Method } from "#client/methods.ts";
import { clientOf, newestLink, outcomeOf, signedIn } from "#tests/packages/client/support.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { MAC, REDIRECT } from "#tests/support/nest.ts";
import { newestForms } from "#tools/docs/pages/client.ts";
import { USER_ID_RULES } from "#tools/openapi/client_user.ts";
import { buildDocument } from "#tools/openapi/document.ts";
import { formsOf } from "#tools/openapi/read.ts";

/** The methods in which a release of the client filled in the signed-in user. */
const OF_0_2_0 = [
  ...["get_marketing_consent", "set_marketing_consent", "get_subscription_status"],
  ...["get_user", "list_sessions", "revoke_session"],
];
const ruled = (rule: string) => Object.keys(USER_ID_RULES).filter((name) => USER_ID_RULES[name] === rule);

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

describe("the user whom a method of the client is about", () => {
  test("is decided for every method with a user_id", async () => {
    const withUser = newestForms(formsOf(await buildDocument()))
      .filter(({ request }) => "user_id" in (request.properties ?? {}))
      .map(({ name }) => name);
    expect(Object.keys(USER_ID_RULES).sort()).toEqual(withUser.sort());
  });

  test("is filled in for the methods of earlier releases, and otherwise only if a method cannot change another user", async () => {
    expect(ruled("filled")).toEqual(expect.arrayContaining(OF_0_2_0));
    const others = ruled("filled").filter((name) => !OF_0_2_0.includes(name));
    expect(others.filter((name) => !/^(get|list)_/.test(name))).toEqual([]);
    const filled = Object.entries(METHODS).filter(([, { fills }]) => fills.split(" ").includes("user_id"));
    expect(filled.map(([name]) => name).sort()).toEqual(ruled("filled").sort());
  });

  test("must be named in the methods that change another user", () => {
    const changing = Object.keys(USER_ID_RULES).filter(
      // It names a factor, which is one user's.
      (name) => !/^(get|list)_/.test(name) && name !== "remove_mfa_factor",
    );
    expect(ruled("required")).toEqual(
      expect.arrayContaining(changing.filter((name) => !OF_0_2_0.includes(name))),
    );
    const needing = Object.entries(METHODS).filter(([, { needs }]) => needs === "user_id");
    expect(needing.map(([name]) => name).sort()).toEqual(ruled("required").sort());
  });

  test.each(ruled("required"))("%s sends nothing without a user_id", async (method) => {
    const { nest, network } = await signedIn(stack);
    const call = nest.call.bind(nest) as (method: string, request?: object) => Promise<unknown>;
    for (const request of [undefined, {}, { user_id: undefined }, { user_id: null }, { user_id: "" }]) {
      const error = await call(method, request).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(TypeError);
      expect(String(error)).toBe(`TypeError: ${method} needs user_id: the id of the user whom it is about.`);
    }
    expect(network.asked).toEqual([]);
    // The user who forgot the field still exists, with the same session.
    expect((await nest.getUser()).status).toBe("active");
  });

  test("is named in camelCase by a client with that option", async () => {
    const { network, store } = clientOf(stack.api);
    const options = { url: stack.api.url, clientId: MAC, redirectUri: REDIRECT, store, fetch: network.fetch };
    const nest = new NestClient({ ...options, timeoutMs: 30_000, camelCase: true });
    await nest.sendMagicLink("own@example.com");
    const { userId } = await nest.finishSignIn(newestLink(stack));
    const { user } = await nest.updateUser({ userId, name: "Ada" });
    expect(user).toMatchObject({ id: userId, name: "Ada" });
    // @ts-expect-error the name of the wire
    await expect(nest.updateUser({ user_id: "", name: "Bob" })).rejects.toThrow("update_user needs user_id");
  });

  test("is the signed-in user where nothing else is possible, and no filter of a list", async () => {
    const { nest, who } = await signedIn(stack);
    const names: Method[] = ["get_user", "list_sessions", "get_subscription_status"];
    expect(names.map((name) => USER_ID_RULES[name])).toEqual(["filled", "filled", "filled"]);
    expect((await nest.getUser()).id).toBe(who.userId);
    expect(await outcomeOf(nest.getBillingHistory({ user_id: who.userId }))).toBe("access_denied");
    expect((await nest.listAuditLogs({ limit: 1 })).items).toHaveLength(1);
  });
});
