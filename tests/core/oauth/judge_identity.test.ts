import { describe, expect, test } from "vitest";
import { type JudgedIdentity, judgeIdentity } from "#core/oauth/judge_identity.ts";

const NEW: JudgedIdentity = {
  ...{ linked: null, owner: null, isJoinBlocked: false, isUnlinked: false, isProved: true },
  ...{ registration: "open", newUserId: "user_new" },
};
const VERIFIED = { userId: "user_owner", verifiedAt: "2026-12-01T00:00:00.000Z" };

describe("who signs in with an account at a provider", () => {
  test.each([
    [
      "a linked account signs its user in",
      { linked: { userId: "user_linked" } },
      { outcome: "sign_in", userId: "user_linked" },
    ],
    [
      "a linked account signs its user in although its address is another user's now",
      { linked: { userId: "user_linked" }, owner: VERIFIED },
      { outcome: "sign_in", userId: "user_linked" },
    ],
    [
      "a linked account signs in although registration is closed",
      { linked: { userId: "user_linked" }, registration: "closed" as const },
      { outcome: "sign_in", userId: "user_linked" },
    ],
    ["a proved address joins its user", { owner: VERIFIED }, { outcome: "join", userId: "user_owner" }],
    [
      "an address that the provider does not prove joins nobody",
      { owner: VERIFIED, isProved: false },
      { outcome: "refuse", error: "account_exists" },
    ],
    [
      "an address that its user has not verified here joins nobody",
      { owner: { ...VERIFIED, verifiedAt: null } },
      { outcome: "refuse", error: "account_exists" },
    ],
    [
      "an account joins nobody who has unlinked one of its issuer",
      { owner: VERIFIED, isUnlinked: true },
      { outcome: "refuse", error: "account_exists" },
    ],
    [
      "an account joins nobody who has a second factor or may not sign in",
      { owner: VERIFIED, isJoinBlocked: true },
      { outcome: "refuse", error: "account_exists" },
    ],
    [
      "a linked account signs its user in although the user has a second factor, which follows",
      { linked: { userId: "user_owner" }, owner: VERIFIED, isJoinBlocked: true },
      { outcome: "sign_in", userId: "user_owner" },
    ],
    [
      "an unknown account signs up with its proved address",
      {},
      { outcome: "sign_up", userId: "user_new", takesAddress: true },
    ],
    [
      "an unknown account signs up without an address that is not proved",
      { isProved: false },
      { outcome: "sign_up", userId: "user_new", takesAddress: false },
    ],
    [
      "an unknown account does not sign up while registration is closed",
      { registration: "closed" as const },
      { outcome: "refuse", error: "registration_disabled" },
    ],
    [
      "a repeated sign-up finds its own address and goes on",
      { owner: { ...VERIFIED, userId: "user_new" } },
      { outcome: "sign_up", userId: "user_new", takesAddress: true },
    ],
  ])("%s", (_name, change, expected) => {
    expect(judgeIdentity({ ...NEW, ...change })).toEqual(expected);
  });
});
