import { expect, test } from "vitest";
import { generateKeySet } from "#core/keys/key_rotation.ts";
import { parseKeySet } from "#core/keys/signing_keys.ts";

const made = await generateKeySet(new Date());
const [current, next] = made.keys;
const changed = (change: Record<string, unknown>) => ({ keys: [{ ...current, ...change }] });

test("parses a generated key set", () => {
  expect(parseKeySet(made)).toEqual(made);
});

test.each([
  ["created_at", "soon"],
  ["created_at", "2026-02-30T00:00:00.000Z"],
  ["created_at", ""],
  ["retired_at", "never"],
])("refuses a key whose %s is %j", (field, value) => {
  expect(() => parseKeySet(changed({ [field]: value }))).toThrow();
});

test.each([
  ["the private key of another key pair", { d: next?.d }],
  ["a point off the curve", { d: undefined, y: next?.y }],
  ["an empty coordinate", { d: undefined, x: "" }],
  ["another curve", { crv: "P-384" }],
  ["another algorithm", { alg: "ES384" }],
  ["another use", { use: "enc" }],
  ["other operations", { key_ops: ["encrypt"] }],
])("refuses a key with %s", (_case, change) => {
  expect(() => parseKeySet(changed(change))).toThrow();
});
