import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toCamel, toWire } from "#client/casing.ts";
import { NestClient } from "#client/index.ts";
import { METHODS, type Method } from "#client/methods.ts";
import { clientOf, newestLink, outcomeOf, signedIn } from "#tests/packages/client/support.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { MAC, REDIRECT } from "#tests/support/nest.ts";
import { newestForms } from "#tools/docs/pages/client.ts";
import { buildDocument } from "#tools/openapi/document.ts";
import { formsOf } from "#tools/openapi/read.ts";
import type { Schema } from "#tools/openapi/types.ts";

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

describe("the named methods of the client", () => {
  const named = (Object.keys(METHODS) as Method[]).filter((method) => method !== "send_magic_link");

  test.each(named)("%s is called by its name in camelCase", async (method) => {
    const { nest, network } = await signedIn(stack);
    const functions = nest as unknown as Record<string, (request: object) => Promise<unknown>>;
    const request = METHODS[method].needs ? { user_id: "user_other" } : {};
    await outcomeOf(functions[toCamel(method)]?.(request) ?? Promise.resolve());
    expect(network.asked).toEqual([method]);
  });

  test("have a field that the client expects in each response with a body", async () => {
    const forms = newestForms(formsOf(await buildDocument()));
    const unchecked = forms.filter(
      ({ name, response }) => response !== null && METHODS[name as Method].answer === "",
    );
    expect(unchecked.map(({ name }) => name)).toEqual([]);
  });

  test("pass the request and the options on, and return the response", async () => {
    const { nest, who, network } = await signedIn(stack);
    expect((await nest.getUser()).id).toBe(who.userId);
    expect(await outcomeOf(nest.getUser({ user_id: "user_other" }))).toBe("access_denied");
    network.asked.length = 0;
    expect(await outcomeOf(nest.getUser({}, { signal: AbortSignal.abort() }))).toBe("aborted");
  });
});

describe("a client with the option camelCase", () => {
  const camelClient = () => {
    const { network, store } = clientOf(stack.api);
    const options = { url: stack.api.url, clientId: MAC, redirectUri: REDIRECT, store, fetch: network.fetch };
    return new NestClient({ ...options, timeoutMs: 30_000, camelCase: true });
  };

  test("names the fields of requests, devices and responses in camelCase at every depth", async () => {
    const nest = camelClient();
    const device = { platform: "mac", beakId: "camel", fingerprint: "camel" } as const;
    await nest.startTrial("camel@example.com", { device });
    const { userId } = await nest.finishSignIn(newestLink(stack));
    const user = await nest.getUser();
    expect(user).toMatchObject({ id: userId, identifiers: [{ identifierValue: "camel@example.com" }] });
    expect(Date.parse(user.identifiers[0]?.verifiedAt ?? "")).not.toBeNaN();
    const [session] = (await nest.call("list_sessions")).items;
    expect(session).toMatchObject({ clientId: MAC, device: { platform: "mac" }, current: true });
    expect(session?.device?.beakId).toMatch(/^[0-9a-f]{64}$/);
    const { status, endDate, cancelAt } = await nest.getSubscriptionStatus();
    expect({ status, endDate, cancelAt }).toEqual({
      status: "trialing",
      endDate: expect.any(String),
      cancelAt: null,
    });
    expect(await nest.revokeSession({ sessionId: session?.id ?? "" })).toEqual({
      revokedAt: expect.any(String),
    });
    expect(await outcomeOf(nest.getUser())).toBe("signed_out");
  });

  test("keeps the names of the wire in errors", async () => {
    const nest = camelClient();
    const error = await nest
      .call("send_magic_link", {
        ...{ state: "s", codeChallengeMethod: "S256", codeChallenge: "", identifierType: "email" },
        identifierValue: "ada@example.com",
      })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "validation_failed", meta: { path: ["code_challenge"] } });
  });

  test("can restore every name of the API", async () => {
    // What a browser takes and returns keeps the names of WebAuthn.
    const isOfBrowser = ({ properties = {} }: Schema) => "challenge" in properties || "rawId" in properties;
    const namesIn = ({ properties = {}, items, anyOf = [] }: Schema): string[] => [
      ...Object.keys(properties),
      ...[...Object.values(properties), ...(items ? [items] : []), ...anyOf]
        .filter((one) => !isOfBrowser(one))
        .flatMap(namesIn),
    ];
    const names = formsOf(await buildDocument()).flatMap(({ request, response }) => [
      ...namesIn(request),
      ...(response ? namesIn(response) : []),
    ]);
    expect(names).toContain("code_challenge_method");
    expect(names.filter((name) => toWire(toCamel(name)) !== name)).toEqual([]);
  });

  test("is described in the README with all of its options", async () => {
    const readme = await readFile(new URL("../../../packages/client/README.md", import.meta.url), "utf8");
    const source = await readFile(
      new URL("../../../packages/client/src/options.ts", import.meta.url),
      "utf8",
    );
    const options = [...source.matchAll(/^ {2}(\w+)\??:/gm)].map(([, name]) => name);
    expect(options).toContain("camelCase");
    for (const name of options) expect(readme, name).toContain(`| \`${name}\` |`);
  });
});
