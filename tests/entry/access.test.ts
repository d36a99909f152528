import { expect, test } from "vitest";
import { strictObject } from "zod/mini";
import { policyOf } from "#entry/access.ts";
import type { Access } from "#entry/declaration.ts";
import { rpc } from "#entry/rpc.ts";
import { loadMethods } from "#routes.ts";

const declaration = {
  ...({
    name: "list_things",
    version: "2026-12-01",
    summary: "Lists things.",
    isBodyOptional: true,
  } as const),
  ...{ request: strictObject({}), response: null, errors: [], run: async () => undefined },
};

test("a method without an access policy does not compile, and is not served", () => {
  // @ts-expect-error: `access` is missing.
  expect(() => rpc(declaration)).toThrow('The access "undefined" is unknown.');
});

test.each([
  "",
  "cap:",
  "cap:everything",
  "cap:users.read|own_user",
  "own_user|own_user",
  "public|cap",
  "Public",
])("a method with the access %j does not compile, and is not served", (text) => {
  // @ts-expect-error: no text is an access policy.
  const access: Access = text;
  expect(() => rpc({ ...declaration, access })).toThrow(`The access "${text}" is unknown.`);
});

test("every method has an access policy", async () => {
  for (const { handler } of await loadMethods())
    expect(() => policyOf(handler.declaration.access)).not.toThrow();
});
