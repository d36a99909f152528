import { Secret } from "otpauth";
import { expect, test } from "vitest";
import { hashRecoveryCode, newRecoveryCodes } from "#core/mfa/recovery_codes.ts";
import { newSeed, stepAt, stepOf, uriOf } from "#core/mfa/totp.ts";

/** The seed of RFC 6238, appendix B, for SHA-1, and of RFC 4226, appendix D. */
const SEED = Secret.fromLatin1("12345678901234567890").base32;
const at = (seconds: number) => new Date(seconds * 1000);

test.each([
  [59, "287082"],
  [1_111_111_109, "081804"],
  [1_111_111_111, "050471"],
  [1_234_567_890, "005924"],
  [2_000_000_000, "279037"],
  [20_000_000_000, "353130"],
])("accepts the code of RFC 6238 at %d s", (seconds, code) => {
  expect(stepOf(SEED, code, at(seconds))).toBe(Math.floor(seconds / 30));
});

test.each([
  [0, "755224"],
  [1, "287082"],
  [2, "359152"],
  [3, "969429"],
  [9, "520489"],
])("accepts the code of RFC 4226 for counter %d", (counter, code) => {
  expect(stepOf(SEED, code, at(counter * 30))).toBe(counter);
});

test("accepts the steps beside the current one, and no other", () => {
  const steps = [-2, -1, 0, 1, 2].map((delta) => stepOf(SEED, "287082", at((1 - delta) * 30 + 15)));
  expect(steps).toEqual([null, 1, 1, 1, null]);
  expect(stepAt(at(59))).toBe(1);
});

test.each(["", "28708", "2870822", "28708a", "２８７０８２", " 287082"])("refuses %j", (code) => {
  expect(stepOf(SEED, code, at(59))).toBeNull();
});

test("makes seeds of 160 bits, and a URI with the issuer and the account", () => {
  const seed = newSeed();
  expect(seed).toMatch(/^[A-Z2-7]{32}$/);
  expect(newSeed()).not.toBe(seed);
  const uri = new URL(uriOf(seed, { issuer: "Acme", account: "ada@example.com" }));
  expect(uri.href).toMatch(/^otpauth:\/\/totp\/Acme:ada%40example\.com\?/);
  expect(Object.fromEntries(uri.searchParams)).toMatchObject({ issuer: "Acme", secret: seed, digits: "6" });
});

test("makes ten different recovery codes, and reads them as people type them", () => {
  const codes = newRecoveryCodes();
  expect(new Set(codes).size).toBe(10);
  for (const code of codes) expect(code).toMatch(/^(?:[0-9A-HJKMNP-TV-Z]{6}-){3}[0-9A-HJKMNP-TV-Z]{6}$/);
  const hash = hashRecoveryCode("7ZK3Q0-V0M91D-2XNB4R-8CEYJW");
  expect(hashRecoveryCode(" 7zk3qo v0m9ld–2xnb4r 8ceyjw ")).toBe(hash);
});
