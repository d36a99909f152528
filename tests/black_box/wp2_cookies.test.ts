import { afterAll, beforeAll, expect, test } from "vitest";
import app from "#app";
import { readApp } from "#core/app/read_app.ts";
import { clientWith } from "#tests/support/app.ts";
import { digitsIn } from "#tests/support/codes.ts";
import { readJws } from "#tests/support/jws.ts";
import { type StackAnswer, startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { V3 } from "#tests/support/plans.ts";

const LASTING = "client_lasting";
const lasting = clientWith({ id: LASTING, grants: ["otp"], lifetimeSeconds: 864_000 });

let stack: TestStack;
let web: string;
let native: string;
beforeAll(async () => {
  stack = await startTestStack({ app: { ...app, clients: [...app.clients, lasting] } });
  ({ web, native } = (await stack.ask("GET", "/dev/status")).body.clients);
});
afterAll(() => stack[Symbol.asyncDispose]());

let people = 0;
const JSON_TYPE = { "content-type": "application/json" };
const fromPage = (cookie?: string) => ({
  ...JSON_TYPE,
  origin: stack.api.url,
  ...(cookie === undefined ? {} : { cookie }),
});

async function signIn(client_id: string, change = {}, headers: Record<string, string> = fromPage()) {
  const asked = { client_id, identifier_type: "email", identifier_value: `person${++people}@example.com` };
  const { body } = await stack.ask("POST", `${V3}send_otp`, asked, JSON_TYPE);
  const code = digitsIn(stack.ses.inbox.at(-1)?.text ?? "");
  const grant = { client_id, grant_type: "otp", nonce: body.nonce, code, ...change };
  return stack.ask("POST", `${V3}authenticate_user`, grant, headers);
}
/** The `cookie` header with which a browser sends back what a response set. */
const jarOf = ({ headers }: StackAnswer) =>
  headers
    .getSetCookie()
    .map((cookie) => cookie.split(";")[0])
    .join("; ");
const getUser = (headers: Record<string, string>) => stack.ask("POST", `${V3}get_user`, {}, headers);

test("WP2.3: revoke_token with an unknown token answers 204", async () => {
  const body = {
    client_id: native,
    refresh_token: `01.reftok_000000C2kdCzNlbL1BqR5FeMatItU.${"0".repeat(64)}`,
  };
  expect((await stack.ask("POST", `${V3}revoke_token`, body, JSON_TYPE)).status).toBe(204);
});

test("WP2.4: a sign-in of the client web sets two cookies, which work from an allowed origin with JSON only", async () => {
  const signedIn = await signIn(web);
  expect(signedIn).toMatchObject({ status: 200, body: { refresh_token: null } });
  expect(signedIn.headers.getSetCookie()).toEqual([
    expect.stringMatching(
      /^__Host-nest_access=[\w.-]+; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    ),
    expect.stringMatching(
      /^__Secure-nest_refresh=[\w.]+; Max-Age=\d+; Path=\/1\/; HttpOnly; Secure; SameSite=Strict$/,
    ),
  ]);
  const cookie = jarOf(signedIn);
  const { user_id } = signedIn.body;
  expect(await getUser(fromPage(cookie))).toMatchObject({ status: 200, body: { id: user_id } });
  expect((await getUser({ ...fromPage(cookie), origin: "https://evil.example" })).status).toBe(403);
  expect((await getUser({ ...JSON_TYPE, cookie })).status).toBe(403);
  expect((await getUser({ ...fromPage(cookie), "content-type": "text/plain" })).status).toBe(400);
});

test("WP2.5: the cookie alone refreshes, signing out removes both cookies, and a client without cookies is refused", async () => {
  const signedIn = await signIn(web);
  const [, refreshCookie = ""] = jarOf(signedIn).split("; ");
  const refresh = { client_id: web, grant_type: "refresh_token" };
  const refreshed = await stack.ask("POST", `${V3}authenticate_user`, refresh, fromPage(refreshCookie));
  expect(refreshed).toMatchObject({ status: 200, body: { refresh_token: null } });
  expect(refreshed.headers.getSetCookie()).toHaveLength(2);
  expect(jarOf(refreshed)).not.toBe(jarOf(signedIn));

  const cookie = jarOf(refreshed);
  const signedOut = await stack.ask("POST", `${V3}revoke_token`, { client_id: web }, fromPage(cookie));
  expect(signedOut.status).toBe(204);
  expect(signedOut.headers.getSetCookie()).toEqual([
    expect.stringMatching(/^__Host-nest_access=; Max-Age=0;/),
    expect.stringMatching(/^__Secure-nest_refresh=; Max-Age=0;/),
  ]);
  expect((await getUser(fromPage(cookie))).status).toBe(401);

  const refused = await signIn(native, { set_cookie: true });
  expect(refused).toMatchObject({ status: 400, body: { code: "cookies_not_enabled" } });
  expect(refused.headers.getSetCookie()).toEqual([]);
});

test("WP2.6: an access token lasts as long as its client says, up to 864000 s", async () => {
  const { body } = await signIn(LASTING);
  const { exp, iat } = readJws(body.access_token).claims;
  expect(exp - iat).toBe(864_000);
  const client = { id: LASTING, name: "Lasting", redirectUris: ["https://app.example/"] };
  const settings = { ...app, clients: [{ ...client, accessTokenLifetimeSeconds: 864_001 }] };
  expect(() => readApp(settings as never, "app.ts")).toThrow(/accessTokenLifetimeSeconds/);
});
