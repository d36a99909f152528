import { afterAll, beforeAll, describe, expect, test } from "vitest";
import app from "#app";
import { memoryStore } from "#client/index.ts";
import { clientOf, outcomeOf } from "#tests/packages/client/support.ts";
import { clientWith } from "#tests/support/app.ts";
import { digitsIn } from "#tests/support/codes.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { appCode } from "#tests/support/mfa.ts";
import { REDIRECT } from "#tests/support/nest.ts";

const CLIENT = "client_pages";
const ORIGIN = "https://app.example";
const pages = clientWith({
  id: CLIENT,
  redirectUris: [REDIRECT],
  grants: ["otp", "mfa"],
  origins: [ORIGIN],
  cookies: { enabled: true, default: false },
  userCode: true,
});

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack({ app: { ...app, clients: [...app.clients, pages] } });
});
afterAll(() => stack[Symbol.asyncDispose]());

/** A `fetch` with the cookies of one browser, which sends them if the request includes credentials. */
function browser() {
  const cookies = new Map<string, string>();
  const sent: { method: string; authorization: string | null; body: Record<string, unknown> }[] = [];
  const send: typeof fetch = async (input, init) => {
    const headers = new Headers(init?.headers);
    const method = String(input).split("/").at(-1) ?? "";
    sent.push({ method, authorization: headers.get("authorization"), body: JSON.parse(String(init?.body)) });
    headers.set("origin", ORIGIN);
    if (init?.credentials === "include")
      headers.set("cookie", [...cookies].map(([name, value]) => `${name}=${value}`).join("; "));
    const response = await fetch(input, { ...init, headers });
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/max-age=0/i.test(line)) cookies.delete(name);
      else cookies.set(name, value);
    }
    return response;
  };
  return { cookies, sent, send };
}

let users = 0;
async function signedIn(options: { cookies?: boolean; send?: typeof fetch } = {}) {
  const page = browser();
  const made = clientOf(stack.api, { clientId: CLIENT, cookies: true, send: page.send, ...options });
  const identifier_value = `pages${++users}@example.com`;
  const { nonce } = await made.nest.sendOtp({ identifier_type: "email", identifier_value });
  const code = digitsIn(stack.ses.inbox.at(-1)?.text ?? "");
  await made.nest.signIn({ grant_type: "otp", nonce, code });
  return { ...page, ...made };
}

describe("a client with cookies", () => {
  test("stores no token, sends none, and refreshes by the cookie", async () => {
    const { nest, store, cookies, sent } = await signedIn();
    expect([...cookies.keys()].sort()).toEqual(["__Host-nest_access", "__Secure-nest_refresh"]);
    const stored = String(await store.get("tokens"));
    for (const value of cookies.values()) expect(stored).not.toContain(value);
    expect(stored).not.toMatch(/eyJ|reftok/);
    expect((await nest.getUser()).identifiers).toHaveLength(1);
    cookies.delete("__Host-nest_access");
    expect((await nest.getUser()).identifiers).toHaveLength(1);
    expect(sent.slice(-4).map(({ method }) => method)).toEqual([
      ...["get_user", "get_user", "authenticate_user", "get_user"],
    ]);
    expect(sent.every(({ authorization }) => authorization === null)).toBe(true);
    expect(sent.at(-2)?.body).not.toHaveProperty("refresh_token");
    expect(await nest.signedIn()).toMatchObject({ clientId: CLIENT });
  });

  test("makes the session fresh with a second factor, and keeps the cookie that refreshes", async () => {
    const { nest, cookies } = await signedIn();
    const { factor_id, secret } = await nest.createMfaFactor({ factor_type: "totp", confirm: true });
    const code = appCode(secret ?? "", new Date());
    const { recovery_codes } = await nest.verifyMfaFactor({ factor_id, code });
    const before = new Map(cookies);
    const { mfa_token } = await nest.createMfaChallenge();
    await nest.signIn({ grant_type: "mfa", mfa_token, recovery_code: recovery_codes?.[0] ?? "" });
    expect(cookies.get("__Host-nest_access")).not.toBe(before.get("__Host-nest_access"));
    expect(cookies.get("__Secure-nest_refresh")).toBe(before.get("__Secure-nest_refresh"));
    expect((await nest.regenerateRecoveryCodes()).recovery_codes).toHaveLength(10);
  });

  test("signs out by the cookie, which removes both", async () => {
    const { nest, cookies, sent } = await signedIn();
    await nest.signOut();
    expect([...cookies]).toEqual([]);
    expect(sent.at(-1)?.body).not.toHaveProperty("refresh_token");
    expect(await nest.signedIn()).toBeNull();
  });

  test("is signed out when its cookies are gone", async () => {
    const { nest, cookies } = await signedIn();
    cookies.clear();
    expect(await outcomeOf(nest.getUser())).toBe("signed_out");
    expect(await nest.signedIn()).toBeNull();
  });

  test("moves tokens that were stored before into cookies", async () => {
    const { store, send, cookies } = await signedIn({ cookies: false });
    expect([...cookies]).toEqual([]);
    const { nest } = clientOf(stack.api, { clientId: CLIENT, cookies: true, store, send });
    expect((await nest.getUser()).identifiers).toHaveLength(1);
    expect([...cookies.keys()]).toHaveLength(2);
    expect(String(await store.get("tokens"))).not.toMatch(/eyJ|reftok/);
  });
});

test("signs in with the code that the mail of a link shows, once", async () => {
  const store = memoryStore();
  const { nest } = clientOf(stack.api, { clientId: CLIENT, store });
  expect(await outcomeOf(nest.signInWithUserCode("BCDF-GHJK"))).toBe("unknown_link");
  await nest.sendMagicLink("typed@example.com");
  const code = /^\w{4}-\w{4}$/m.exec(stack.ses.inbox.at(-1)?.text ?? "")?.[0] ?? "";
  expect(await outcomeOf(nest.signInWithUserCode("BCDF-GHJK"))).toBe("verification_not_found");
  // Another client of the store, such as the page after a reload.
  const { nest: reloaded } = clientOf(stack.api, { clientId: CLIENT, store });
  const user = await reloaded.signInWithUserCode(code.toLowerCase());
  expect(user).toMatchObject({ clientId: CLIENT });
  expect(await nest.signedIn()).toEqual(user);
  expect(await store.get("links")).toBeNull();
});
