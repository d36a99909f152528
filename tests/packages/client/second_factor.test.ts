import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { NestClient } from "#client/index.ts";
import { clientOf, newestLink, storedTokens } from "#tests/packages/client/support.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { appCode } from "#tests/support/mfa.ts";
import { NATIVE } from "#tests/support/nest.ts";

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

/** Adds an authenticator app. @returns the id of the factor, a recovery code, and the code of the next time step */
async function addApp(nest: NestClient) {
  const { factor_id, secret } = await nest.createMfaFactor({ factor_type: "totp", confirm: true });
  const code = appCode(secret ?? "", new Date());
  const { recovery_codes } = await nest.verifyMfaFactor({ factor_id, code });
  return {
    factor_id,
    recovery_code: recovery_codes?.[0] ?? "",
    nextCode: () => appCode(secret ?? "", new Date(), 1),
  };
}

let users = 0;
const linkSignIn = async (options: Parameters<typeof clientOf>[1] = {}) => {
  const made = clientOf(stack.api, { clientId: NATIVE, ...options });
  await made.nest.sendMagicLink(`second.factor.${++users}@example.com`);
  const link = newestLink(stack);
  return { ...made, link, who: await made.nest.finishSignIn(link) };
};

describe("signIn with the grant mfa", () => {
  test("makes the session fresh with a code, and keeps the session, its refresh token and its link", async () => {
    const { nest, store, link, who } = await linkSignIn();
    const { factor_id, nextCode } = await addApp(nest);
    const before = await storedTokens(store);
    const { mfa_token } = await nest.createMfaChallenge();
    const grant = { grant_type: "mfa", mfa_token, factor_id, code: nextCode() } as const;
    expect(await nest.signIn(grant)).toEqual({ userId: who.userId, clientId: NATIVE });
    const after = await storedTokens(store);
    expect(after?.refresh_token).toBe(before?.refresh_token);
    expect(after?.access_token).not.toBe(before?.access_token);
    // This call needs a second factor within the last 10 minutes.
    expect((await nest.regenerateRecoveryCodes()).recovery_codes).toHaveLength(10);
    expect((await nest.finishSignIn(link)).userId).toBe(who.userId);
    await nest.refresh();
    expect((await nest.listSessions()).items).toHaveLength(1);
  });

  test("makes the session fresh with a recovery code", async () => {
    const { nest } = await linkSignIn();
    const { recovery_code } = await addApp(nest);
    const { mfa_token } = await nest.createMfaChallenge();
    await nest.signIn({ grant_type: "mfa", mfa_token, recovery_code });
    expect((await nest.getUser()).id).toMatch(/^user_/);
  });

  test("refuses tokens without a refresh token that are of another session than the stored one", async () => {
    const one = await linkSignIn();
    const { factor_id, nextCode } = await addApp(one.nest);
    const { mfa_token } = await one.nest.createMfaChallenge();
    const other = await linkSignIn();
    const before = await storedTokens(other.store);
    const grant = { grant_type: "mfa", mfa_token, factor_id, code: nextCode() } as const;
    await expect(other.nest.signIn(grant)).rejects.toMatchObject({ kind: "unexpected_answer" });
    expect(await storedTokens(other.store)).toEqual(before);
  });

  test("stores new tokens later if the store fails after a code made the session fresh", async () => {
    const { nest, store } = await linkSignIn();
    const { recovery_code } = await addApp(nest);
    const before = await storedTokens(store);
    const { mfa_token } = await nest.createMfaChallenge();
    const { set } = store;
    store.set = (name, value) => {
      if (name === "tokens") throw new Error("The disk is full.");
      return set(name, value);
    };
    await expect(nest.signIn({ grant_type: "mfa", mfa_token, recovery_code })).rejects.toThrow(
      "The disk is full.",
    );
    expect(await storedTokens(store)).toEqual(before);
    store.set = set;
    await nest.getUser();
    const after = await storedTokens(store);
    expect(after?.access_token).not.toBe(before?.access_token);
    expect(after?.refresh_token).toBe(before?.refresh_token);
  });
});
