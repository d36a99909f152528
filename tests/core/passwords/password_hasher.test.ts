import { hash } from "@node-rs/argon2";
import { expect, test } from "vitest";
import { PasswordHasher } from "#core/passwords/password_hasher.ts";
import { Peppers } from "#core/passwords/peppers.ts";
import { newSecret } from "#core/secrets.ts";

const OLD = { id: "1", key: newSecret() };
const NEW = { id: "2", key: newSecret() };
const hasher = new PasswordHasher(new Peppers([OLD]));
const P1 = "correct horse battery staple 1";

test("stores Argon2id with the least cost of OWASP, a salt of its own and the id of the pepper", async () => {
  const [one, other] = await Promise.all([hasher.hash(P1), hasher.hash(P1)]);
  expect(one.hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
  expect(one.pepperId).toBe("1");
  expect(one.hash).not.toBe(other.hash);
});

test("accepts the password and nothing else", async () => {
  const stored = await hasher.hash(P1);
  expect(await hasher.matches(P1, stored)).toBe(true);
  for (const wrong of ["", `${P1} `, ` ${P1}`, P1.toUpperCase(), P1.slice(0, -1), "x".repeat(200)])
    expect(await hasher.matches(wrong, stored), wrong).toBe(false);
});

test("compares nothing as wrong, in the time of a comparison", async () => {
  expect(await hasher.matches(P1, null)).toBe(false);
  expect(await hasher.matches("", null)).toBe(false);
});

test("cannot check a hash without its pepper", async () => {
  const stored = await hasher.hash(P1);
  const stolen = { ...stored, pepperId: NEW.id };
  expect(await new PasswordHasher(new Peppers([NEW])).matches(P1, stolen)).toBe(false);
  await expect(new PasswordHasher(new Peppers([NEW])).matches(P1, stored)).rejects.toMatchObject({
    code: "unavailable",
    detail: "PASSWORD_PEPPERS lacks a pepper in use",
  });
});

test("checks hashes of an earlier pepper, and calls them outdated", async () => {
  const stored = await hasher.hash(P1);
  const rotated = new PasswordHasher(new Peppers([NEW, OLD]));
  expect(await rotated.matches(P1, stored)).toBe(true);
  expect([hasher.isOutdated(stored), rotated.isOutdated(stored)]).toEqual([false, true]);
  expect(rotated.isOutdated(await rotated.hash(P1))).toBe(false);
});

test("calls a hash of another cost outdated, and still checks it", async () => {
  const secret = Buffer.from(OLD.key, "hex");
  const stored = { hash: await hash(P1, { memoryCost: 8192, timeCost: 1, secret }), pepperId: OLD.id };
  expect(await hasher.matches(P1, stored)).toBe(true);
  expect(hasher.isOutdated(stored)).toBe(true);
});

test.each([
  ["composed and decomposed letters", "na\u00efve caf\u00e9 au lait", "nai\u0308ve cafe\u0301 au lait"],
  ["full-width and ASCII letters", "ｐａｓｓ phrase with width", "pass phrase with width"],
  ["a ligature and its letters", "ﬁne passphrase here", "fine passphrase here"],
])("treats %s as equal (NFKC)", async (_what, set, typed) => {
  const stored = await hasher.hash(set);
  expect(await hasher.matches(typed, stored)).toBe(true);
});

test("keeps spaces at the end and emoji", async () => {
  const spaced = "eine lange Phrase 🦊🦊  ";
  const stored = await hasher.hash(spaced);
  expect(await hasher.matches(spaced, stored)).toBe(true);
  expect(await hasher.matches(spaced.trimEnd(), stored)).toBe(false);
});

test("hashes the whole password: 128 characters that differ in the last one only", async () => {
  const long = "🦊".repeat(128);
  const stored = await hasher.hash(long);
  expect(await hasher.matches(long, stored)).toBe(true);
  expect(await hasher.matches(`${"🦊".repeat(127)}🐢`, stored)).toBe(false);
  await expect(hasher.hash("x".repeat(129))).rejects.toThrow("was not checked");
});

test("hashes many passwords that arrive at once, a few at a time", async () => {
  const all = await Promise.all(Array.from({ length: 12 }, () => hasher.hash(P1)));
  expect(new Set(all.map(({ hash: each }) => each)).size).toBe(12);
});
