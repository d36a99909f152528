import { expect, test } from "vitest";
import { amrWith, type FirstProof, hintOf, offeredFactors } from "#core/mfa/offered_factors.ts";
import { resetChannelOf } from "#core/mfa/reset_channel.ts";
import type { IdentifierType } from "#core/repositories/identifiers.ts";
import type { MfaFactor } from "#core/repositories/mfa_factors.ts";

const factor = (factorType: MfaFactor["factorType"], identifierValue?: string): MfaFactor => ({
  ...{ _id: factorType, userId: "user_1", factorType, name: null, status: "active", attempts: 0 },
  ...(identifierValue && { identifierValue }),
  ...{ createdAt: "", expiresAt: "", activatedAt: "", lastUsedAt: null, removedAt: null },
});
const ALL = [factor("totp"), factor("sms", "+6591234567"), factor("email", "ada@example.com")];
const first = (proof: Partial<FirstProof>): FirstProof => ({
  ...{ purpose: "sign_in", identifierType: "email", identifierValue: "ada@example.com", amr: ["pwd"] },
  ...proof,
});
const offered = (proof: Partial<FirstProof>) => offeredFactors(ALL, first(proof), null).map(({ _id }) => _id);
const resetTo = (identifierType: IdentifierType, identifierValue: string) =>
  resetChannelOf({ identifierType, identifierValue });
const phone = { identifierType: "phone", amr: ["otp"] } as const;

test.each([
  ["a password", {}, ["totp", "sms", "email"]],
  ["a password that a mail reset", { resetBy: resetTo("email", "b@x.test") }, ["totp", "sms"]],
  [
    "a password that an SMS to the same number reset",
    { resetBy: resetTo("phone", "+6591234567") },
    ["totp", "email"],
  ],
  [
    "a password that an SMS to another number reset",
    { resetBy: resetTo("phone", "+6591234568") },
    ["totp", "sms", "email"],
  ],
  ["an account at a provider", { identifierType: null, identifierValue: "", amr: ["fed"] }, ["totp", "sms"]],
  ["a mailed link", { amr: ["link"] }, ["totp", "sms"]],
  ["a mailed code to any address", { amr: ["otp"], identifierValue: "b@x.test" }, ["totp", "sms"]],
  ["an SMS to the same number", { ...phone, identifierValue: "+6591234567" }, ["totp", "email"]],
  ["an SMS to another number", { ...phone, identifierValue: "+6591234568" }, ["totp", "sms", "email"]],
  ["a session by a password", { purpose: "step_up", identifierType: null }, ["totp", "sms", "email"]],
  ["a session by a link", { purpose: "step_up", identifierType: null, amr: ["link"] }, ["totp", "sms"]],
  ["a session by a code", { purpose: "step_up", identifierType: null, amr: ["otp"] }, ["totp"]],
  [
    "a session by two factors",
    { purpose: "step_up", identifierType: null, amr: ["otp", "mfa"] },
    ["totp", "sms", "email"],
  ],
] as [string, Partial<FirstProof>, string[]][])(
  "offers after %s only factors of another channel",
  (_name, proof, expected) => {
    expect(offered(proof)).toEqual(expected);
  },
);

test("offers no factor that is pending or removed", () => {
  const others = [
    { ...factor("totp"), status: "pending" as const },
    { ...factor("totp"), status: "removed" as const },
  ];
  expect(offeredFactors(others, first({}), null)).toEqual([]);
});

test("names both factors in amr", () => {
  expect(amrWith(["pwd"], "totp")).toEqual(["pwd", "otp", "mfa"]);
  expect(amrWith(["otp"], "sms")).toEqual(["otp", "sms", "mfa"]);
  expect(amrWith(["pwd", "otp", "mfa"], "recovery_code")).toEqual(["pwd", "otp", "mfa"]);
});

test("hides most of a number and of an address", () => {
  expect([hintOf("+6591234567"), hintOf("ada@example.com")]).toEqual(["•••567", "a•••@example.com"]);
});
