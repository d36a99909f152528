import { expect, test } from "vitest";
import { RefreshKeys } from "#core/keys/refresh_keys.ts";
import { deriveRefreshToken, newDerivation, splitRefreshToken } from "#core/sessions/refresh_token.ts";

const KEYS = [
  { id: "new", key: "1".repeat(64) },
  { id: "old", key: "2".repeat(64) },
];
const keys = new RefreshKeys(KEYS);

test("derives the same token from the same arguments, and another one if any of them differs", () => {
  const derivation = newDerivation(keys);
  expect(derivation.keyId).toBe("new");
  const token = deriveRefreshToken(keys, derivation, "reftok_1", "presented");
  expect(token).toEqual({ id: "reftok_1", secret: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(deriveRefreshToken(keys, derivation, "reftok_1", "presented")).toEqual(token);
  const others = [
    deriveRefreshToken(keys, derivation, "reftok_2", "presented"),
    deriveRefreshToken(keys, derivation, "reftok_1", "another"),
    deriveRefreshToken(keys, { ...derivation, keyId: "old" }, "reftok_1", "presented"),
    deriveRefreshToken(keys, newDerivation(keys), "reftok_1", "presented"),
  ];
  expect(new Set([token, ...others].map(({ secret }) => secret)).size).toBe(5);
});

test("derives an old token after a new key was put in front, and is unavailable once its key is removed", () => {
  const derivation = { salt: "00", keyId: "old" };
  const token = deriveRefreshToken(keys, derivation, "reftok_1", "presented");
  const rotated = new RefreshKeys([{ id: "newer", key: "3".repeat(64) }, ...KEYS]);
  expect(deriveRefreshToken(rotated, derivation, "reftok_1", "presented")).toEqual(token);
  const removed = new RefreshKeys(KEYS.slice(0, 1));
  expect(() => deriveRefreshToken(removed, derivation, "reftok_1", "presented")).toThrow(
    expect.objectContaining({ code: "unavailable" }),
  );
});

test("splits a refresh token of any version, and nothing of another form", () => {
  expect(splitRefreshToken("01.reftok_1.abc")).toEqual({ id: "reftok_1", secret: "abc" });
  expect(splitRefreshToken("any text.reftok_1.abc")).toEqual({ id: "reftok_1", secret: "abc" });
  for (const text of ["", "a", "..", "01.a.", "01..b", ".a.b", "01.a.b.c"])
    expect(splitRefreshToken(text), text).toBeNull();
});
