import { expect, test } from "vitest";
import { judgeRefreshTokenUse, type UsedToken } from "#core/sign_in/refresh_token_use.ts";

const FIRST_USE = Date.parse("2026-06-01T12:00:00.000Z");
const rotation = {
  successorId: "reftok_2",
  salt: "00",
  keyId: "1",
  usedAt: new Date(FIRST_USE).toISOString(),
  network: "203.0.113.9/32",
};
/** Used before; no response has been acknowledged. */
const used: UsedToken = {
  generation: 1,
  rotation,
  isFirstUse: false,
  successor: { usedAt: null },
  acknowledgedGeneration: 1,
};
const acknowledged = { acknowledgedGeneration: 2 };
const DAY_MS = 86_400_000;

test.each<[string, Partial<UsedToken>, number, string]>([
  ["first use", { isFirstUse: true, successor: null }, 0, "fresh"],
  ["no answer acknowledged, a year later", {}, 365 * DAY_MS, "replayable"],
  ["the successor was never written", { successor: null }, DAY_MS, "replayable"],
  ["acknowledged, at 10 s", acknowledged, 10_000, "replayable"],
  ["acknowledged, after 10 s", acknowledged, 10_001, "reused"],
  ["the successor was used, after 10 s", { successor: { usedAt: "2026" } }, 10_001, "reused"],
  ["the successor was used, at 10 s", { successor: { usedAt: "2026" } }, 10_000, "replayable"],
])("judgeRefreshTokenUse: %s", (_case, change, sinceMs, expected) => {
  const use = judgeRefreshTokenUse({ ...used, ...change }, new Date(FIRST_USE + sinceMs));
  expect(use).toBe(expected);
});
