import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { codeChallenge, isClientError, randomString, verifyEntitlement } from "#client/index.ts";
import { clientOf, newestLink, signedIn, storedTokens } from "#tests/packages/client/support.ts";
import { digitsIn, wrongCode } from "#tests/support/codes.ts";
import { tokenIn } from "#tests/support/identifiers.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { CHALLENGE, MAC, NATIVE, REDIRECT, SIMPLE, VERIFIER } from "#tests/support/nest.ts";

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

const failureOf = async (work: Promise<unknown>) => {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!isClientError(error)) throw new Error(`Expected a ClientError, found ${inspect(error)}`);
  return error;
};
const device = (name: string) => ({ platform: "mac", beak_id: name, fingerprint: name }) as const;

describe("the typed client", () => {
  test("computes the code challenge of RFC 7636, appendix B, and unique random strings", async () => {
    expect(await codeChallenge(VERIFIER)).toBe(CHALLENGE);
    const many = new Set(Array.from({ length: 100 }, randomString));
    expect(many.size).toBe(100);
    for (const text of many) expect(text).toMatch(/^[\w-]{43}$/);
  });

  test.each([
    ["the whole link", (link: URL) => link],
    ["its text", (link: URL) => ` ${link.href}\n`],
    ["the app's own URL", (link: URL) => `beak-app://nest/magic-link${link.search}`],
    ["the text that the link's page shows", (link: URL) => link.search.slice(1)],
    ["a fragment", (link: URL) => `https://magic.getbeak.app/#${link.search.slice(1)}`],
  ])("signs in with %s, returns the user, and ends the session at sign-out", async (_what, shown) => {
    const { nest, store, network } = clientOf(stack.api);
    expect(await nest.signedIn()).toBeNull();
    await nest.sendMagicLink("Ada@Example.com", { device: device("ada") });
    const who = await nest.finishSignIn(shown(newestLink(stack)));
    expect({ clientId: who.clientId, flow: who.flow, userId: (await nest.signedIn())?.userId }).toEqual({
      clientId: MAC,
      flow: null,
      userId: who.userId,
    });
    const user = await nest.call("get_user");
    expect({ id: user.id, identifier_value: user.identifiers[0]?.identifier_value }).toEqual({
      id: who.userId,
      identifier_value: "ada@example.com",
    });
    expect(await store.get("links")).toBeNull();

    const tokens = await storedTokens(store);
    await nest.signOut();
    expect(await nest.signedIn()).toBeNull();
    expect(await store.get("tokens")).toBeNull();
    const asked = network.asked.length;
    expect(await failureOf(nest.call("get_user"))).toMatchObject({ kind: "signed_out", method: "get_user" });
    await nest.signOut();
    expect(network.asked).toHaveLength(asked);
    const refused = await fetch(`${stack.api.url}/1/2021-10-06/get_user`, {
      method: "POST",
      headers: { authorization: `bearer ${tokens?.access_token}` },
      body: JSON.stringify({ user_id: who.userId }),
    });
    expect(refused.status).toBe(401);
  });

  test("redeems each of two links with its own verifier, in any order", async () => {
    const { nest } = clientOf(stack.api);
    await nest.sendMagicLink("two@example.com");
    const first = newestLink(stack);
    await nest.sendMagicLink("other@example.com");
    const second = await nest.finishSignIn(newestLink(stack));
    expect((await nest.finishSignIn(first)).userId).not.toBe(second.userId);
  });

  test("rejects another client's link and invalid links as unknown_link, without a request", async () => {
    const owner = clientOf(stack.api);
    await owner.nest.sendMagicLink("owner@example.com");
    const link = newestLink(stack);
    const { nest, network } = clientOf(stack.api);
    for (const wrong of [link, "", "hello", "https://x.example/?code=1", "?state=2"])
      expect(await failureOf(nest.finishSignIn(wrong))).toMatchObject({ kind: "unknown_link", code: null });
    expect(network.asked).toEqual([]);
    expect((await owner.nest.finishSignIn(link)).userId).toMatch(/^user_/);
  });

  test("redeems a link again if the request failed; after a lost response, only 5 seconds later", async () => {
    const { nest, network } = clientOf(stack.api);
    const lose = () => {
      throw new TypeError("no network");
    };
    await nest.sendMagicLink("again@example.com");
    network.before("authenticate_user", lose);
    expect(await failureOf(nest.finishSignIn(newestLink(stack)))).toMatchObject({ kind: "network" });
    await nest.finishSignIn(newestLink(stack));
    await nest.sendMagicLink("lost@example.com");
    network.after("authenticate_user", lose);
    expect(await failureOf(nest.finishSignIn(newestLink(stack)))).toMatchObject({ kind: "network" });
    const spent = await failureOf(nest.finishSignIn(newestLink(stack)));
    expect(spent).toMatchObject({ kind: "answer", code: "token_used", status: 400 });
    stack.pass(6);
    await nest.finishSignIn(newestLink(stack));
    expect((await nest.call("list_sessions")).items.length).toBe(1);
  });

  test("signs in with a code, and again as another user, and stores nothing after a wrong code", async () => {
    const { nest, store } = clientOf(stack.api);
    const codeFor = async (identifier_value: string) => {
      const { nonce } = await nest.sendOtp({ identifier_type: "phone", identifier_value });
      return { grant_type: "otp", nonce, code: digitsIn(stack.sns.inbox.at(-1)?.text ?? "") } as const;
    };
    const grant = await codeFor("+65 9123 0001");
    const wrong = nest.signIn({ ...grant, code: wrongCode(grant.code) });
    expect(await failureOf(wrong)).toMatchObject({ code: "verification_not_found" });
    expect(await store.get("tokens")).toBeNull();
    const who = await nest.signIn(grant);
    expect(who).toEqual({ userId: (await nest.getUser()).id, clientId: MAC });
    expect(await nest.signedIn()).toEqual(who);
    const other = await nest.signIn(await codeFor("+65 9123 0002"));
    expect(other.userId).not.toBe(who.userId);
    expect((await nest.getUser()).identifiers[0]?.identifier_value).toBe("+6591230002");
  });

  test("signs in with the token of a mailed link", async () => {
    const { nest } = clientOf(stack.api, { clientId: NATIVE });
    const asked = { identifier_type: "email", identifier_value: "link@example.com" } as const;
    const sent = await nest.sendOtp({ ...asked, delivery: "link", redirect_uri: REDIRECT });
    expect(sent.code_length).toBeNull();
    const token = tokenIn(stack.ses.inbox.at(-1)?.text ?? "");
    const who = await nest.signIn({ grant_type: "otp", token });
    expect(who).toEqual({ userId: (await nest.getUser()).id, clientId: NATIVE });
  });

  test("registers a user at once, or after a code, as the OAuth client says", async () => {
    const identifier = { identifier_type: "email", identifier_value: "new@example.com" } as const;
    const simple = clientOf(stack.api, { clientId: SIMPLE });
    const { user, verification } = await simple.nest.signUp({ ...identifier, password: "abcdef" });
    expect(verification).toBeNull();
    expect(user).toEqual({ userId: (await simple.nest.getUser()).id, clientId: SIMPLE });
    const again = simple.nest.signUp(identifier);
    expect(await failureOf(again)).toMatchObject({ code: "identifier_taken" });
    expect(await simple.nest.signedIn()).toEqual(user);

    const careful = clientOf(stack.api, { clientId: NATIVE });
    const sent = await careful.nest.signUp({ ...identifier, identifier_value: "newer@example.com" });
    expect(sent).toMatchObject({ user: null, verification: { expires_at: expect.any(String) } });
    expect(await careful.store.get("tokens")).toBeNull();
    const code = digitsIn(stack.ses.inbox.at(-1)?.text ?? "");
    const nonce = sent.verification?.nonce ?? "";
    const who = await careful.nest.signIn({ grant_type: "otp", nonce, code });
    expect(await careful.nest.signedIn()).toEqual(who);
  });

  test("starts a trial whose entitlement can be verified offline", async () => {
    const { nest } = clientOf(stack.api);
    await nest.startTrial("trial@example.com", { device: device("trial") });
    const who = await nest.finishSignIn(newestLink(stack));
    expect(who.flow).toBe("trial");
    const { status, entitlement } = await nest.call("get_subscription_status");
    expect(status).toBe("trialing");
    const keys = JSON.parse(JSON.stringify(await nest.keys()));
    const asked = { issuer: stack.api.url, clientId: MAC };
    const proof = await verifyEntitlement(entitlement ?? "", keys, asked);
    const plan = { plan: "beak", features: ["unlimited_projects"] };
    expect(proof).toMatchObject({ userId: who.userId, status: "trialing", ...plan });
    const later = (milliseconds: number) => new Date((proof?.until.getTime() ?? 0) + milliseconds);
    const check = (jws: string, change: object = {}, set = keys) =>
      verifyEntitlement(jws, set, { ...asked, ...change });
    expect(await check(entitlement ?? "", { now: later(-1000) })).not.toBeNull();
    const [head = "", body = "", signature = ""] = (entitlement ?? "").split(".");
    const longer = btoa(atob(body).replace(/"exp":\d+/, '"exp":9999999999')).replaceAll("=", "");
    const { access_token = "" } = (await storedTokens((await signedIn(stack)).store)) ?? {};
    const refused: [string, unknown][] = [
      ["over", await check(entitlement ?? "", { now: later(0) })],
      ["altered", await check(`${head}.${longer}.${signature}`)],
      ["unsigned", await check(`${head}.${body}.`)],
      ["of another key", await check(entitlement ?? "", {}, { keys: [] })],
      ["for another client", await check(entitlement ?? "", { clientId: "client_other" })],
      ["of another issuer", await check(entitlement ?? "", { issuer: "https://elsewhere.example" })],
      ["a bearer", await check(access_token)],
      ["nothing", await check("")],
      ["junk", await check("a.b.c")],
      ["five parts", await check(`${entitlement}.x.y`)],
    ];
    expect(refused.filter(([, proved]) => proved !== null)).toEqual([]);
  });

  test("shows no token and no code verifier when a client or its errors are inspected", async () => {
    const { nest, store, network } = await signedIn(stack);
    const tokens = await storedTokens(store);
    await nest.sendMagicLink("inspect@example.com");
    const [link] = JSON.parse((await store.get("links")) ?? "[]");
    network.before("get_user", () => {
      throw new TypeError("no network");
    });
    const errors = [
      await failureOf(nest.call("get_user")),
      await failureOf(nest.call("get_user", { user_id: "user_other" })),
      await failureOf(nest.finishSignIn("code=a.b&state=x")),
    ];
    const seen = inspect([nest, errors], { depth: 20, showHidden: true }) + JSON.stringify([nest, errors]);
    for (const secret of [tokens?.access_token, tokens?.refresh_token, link.codeVerifier]) {
      expect(secret.length).toBeGreaterThan(20);
      expect(seen).not.toContain(secret);
    }
  });
});
