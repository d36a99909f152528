import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { codeChallenge, type NestClient, randomString } from "#client/index.ts";
import { clientOf, outcomeOf, signedIn } from "#tests/packages/client/support.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { NATIVE } from "#tests/support/nest.ts";

const PERSON = { sub: "somebody", email: "somebody@provider.example", email_verified: true };

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

/** Visits the double of Google. @returns the grant that the page of the redirect URI has then */
async function visit(nest: NestClient, intent: "sign_in" | "link") {
  const code_verifier = randomString();
  const challenge = {
    code_challenge_method: "S256",
    code_challenge: await codeChallenge(code_verifier),
  } as const;
  const asked = { provider: "google", state: randomString(), intent, ...challenge };
  const { authorization_url } = await nest.startOauth(asked);
  const { url } = stack.oauth.visit(authorization_url, PERSON);
  const back = await fetch(url, { redirect: "manual" });
  const returned = new URL(back.headers.get("location") ?? "").searchParams;
  expect(returned.get("state")).toBe(asked.state);
  return { code: returned.get("code") ?? "", code_verifier };
}

describe("an account at a provider", () => {
  test("is linked to the signed-in user, and then signs the user in", async () => {
    const { nest, who } = await signedIn(stack, { clientId: NATIVE });
    const { oauth_identity } = await nest.linkOauth(await visit(nest, "link"));
    expect(oauth_identity).toMatchObject({ provider: "google" });
    const other = clientOf(stack.api, { clientId: NATIVE });
    const grant = await visit(other.nest, "sign_in");
    const again = await other.nest.signIn({ grant_type: "authorization_code", ...grant });
    expect(again.userId).toBe(who.userId);
  });

  test("can't be linked if no user is signed in: nothing is sent", async () => {
    const { nest, network } = clientOf(stack.api, { clientId: NATIVE });
    expect(await outcomeOf(visit(nest, "link"))).toBe("signed_out");
    expect(network.asked).toEqual([]);
  });

  test("is linked after a refresh if the access token has expired", async () => {
    const { nest, network, store } = await signedIn(stack, { clientId: NATIVE });
    const tokens = JSON.parse((await store.get("tokens")) ?? "");
    await store.set("tokens", JSON.stringify({ ...tokens, access_token: `${tokens.access_token}x` }));
    await visit(nest, "link");
    expect(network.asked).toEqual(["start_oauth", "authenticate_user", "start_oauth"]);
  });
});
