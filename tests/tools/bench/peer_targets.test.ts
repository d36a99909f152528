import { expect, test } from "vitest";
import { FLOWS } from "#tools/bench/peer_flows.ts";
import { PEER_SETTINGS, peerOptions } from "#tools/bench/peer_settings.ts";
import { isMet, ratioAtHighLatency, targetOf } from "#tools/bench/peer_targets.ts";

test("has a target for every flow without added latency, and for every flow but the subscription status with it", () => {
  const targets = FLOWS.map(({ name }) => [
    name,
    ...[0, 1, 5].map((addedMs) => targetOf({ flow: name, addedMs, limits: "database" })),
  ]);
  expect(targets).toEqual([
    ["request a link", 1, 1.2, 1.3],
    ["redeem the link", 1.4, 1.7, 2],
    ["refresh the session", 1.4, 1.4, 1.5],
    ["get the user", 2, 2.8, 3.2],
    ["subscription status", 2, null, null],
  ]);
});

test("has no target if better-auth's rate limit is off, or for another added latency", () => {
  expect(targetOf({ flow: "get the user", addedMs: 0, limits: "off" })).toBeNull();
  expect(targetOf({ flow: "get the user", addedMs: 2, limits: "database" })).toBeNull();
});

test("a ratio meets its target if it is at least the target", () => {
  expect([isMet(1.4, 1.4), isMet(1.39, 1.4), isMet(9, null)]).toEqual(["yes", "no", ""]);
});

test("predicts the ratio at high latency as better-auth's commands divided by Nest's round trips", () => {
  expect(ratioAtHighLatency({ peerCommands: 7, trips: 3 })).toBe(2.3);
});

test("runs better-auth with its rate limit in the database, unless a measurement switches the limit off", () => {
  const { betterAuth, mongodbAdapter, magicLink } = peerOptions([]);
  expect(betterAuth.rateLimit).toMatchObject({ enabled: true, storage: "database" });
  expect(mongodbAdapter).toEqual({ transaction: false });
  expect(magicLink.storeToken).toBe("hashed");
  expect(betterAuth.session).toEqual({ cookieCache: { enabled: false } });
  const other = peerOptions(["limits off", "refresh"]).betterAuth;
  expect(other.rateLimit).toMatchObject({ enabled: false, storage: "database" });
  expect(other.session).toMatchObject({ updateAge: 0 });
  expect(PEER_SETTINGS.every(({ why }) => why !== "")).toBe(true);
});
