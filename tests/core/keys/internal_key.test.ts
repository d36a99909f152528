import { expect, test } from "vitest";
import { ConfigError, readConfig } from "#core/config.ts";
import { findInternalKey, internalKeyVariables, permits } from "#core/keys/internal_key.ts";
import { hashSecret, newSecret } from "#core/secrets.ts";

const read = (value: string) => readConfig(internalKeyVariables, { INTERNAL_KEYS: value }).INTERNAL_KEYS;
const [first, second] = [hashSecret(newSecret()), hashSecret(newSecret())];
const named = (...keys: object[]) => JSON.stringify(keys);

test("reads named keys with their methods, and a key without a list of methods", () => {
  const keys = [
    { name: "billing", hash: first, methods: ["get_user", "get_subscription_status"] },
    { name: "support", hash: second },
  ];
  expect(read(JSON.stringify(keys))).toEqual(keys);
});

test("reads the comma-separated hashes of earlier versions as keys that permit every method", () => {
  expect(read(`${first}, ${second},${first}`)).toEqual([
    { name: first.slice(0, 8), hash: first },
    { name: second.slice(0, 8), hash: second },
  ]);
});

test.each([
  ["no key", ""],
  ["an empty list", "[]"],
  ["JSON that is cut off", `[{"name":"billing","hash":"${first}"`],
  ["a key without a name", named({ hash: first })],
  ["a key without a hash", named({ name: "billing" })],
  ["an unknown field", named({ name: "billing", hash: first, key: "x" })],
  ["an empty list of methods", named({ name: "billing", hash: first, methods: [] })],
  ["a method that is no name", named({ name: "billing", hash: first, methods: ["*"] })],
  ["a name with a space", named({ name: "billing service", hash: first })],
  ["a name that is too long", named({ name: "b".repeat(41), hash: first })],
  ["a name that is used twice", named({ name: "billing", hash: first }, { name: "billing", hash: second })],
  ["a hash that is used twice", named({ name: "billing", hash: first }, { name: "support", hash: first })],
  ["the hash of a sample", named({ name: "billing", hash: hashSecret("changeme") })],
  ["a hash of another length", `${first}0`],
  ["an empty entry", `${first},`],
])("refuses %s", (_case, value) => {
  expect(() => read(value)).toThrow(ConfigError);
});

test("finds the key that was presented, and no key for its hash, its name or another secret", () => {
  const secret = newSecret();
  const keys = [
    { name: "support", hash: second },
    { name: "billing", hash: hashSecret(secret) },
  ];
  expect(findInternalKey(secret, keys)?.name).toBe("billing");
  for (const wrong of [hashSecret(secret), "billing", newSecret(), ""])
    expect(findInternalKey(wrong, keys), wrong).toBeNull();
});

test("a key permits the methods that it lists, or all if it has no list", () => {
  expect(permits({ methods: ["get_user"] }, "get_user")).toBe(true);
  expect(permits({ methods: ["get_user"] }, "get_user_by_id")).toBe(false);
  expect(permits({}, "get_user")).toBe(true);
});
