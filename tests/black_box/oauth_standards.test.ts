import * as oauth from "oauth4webapi";
import { afterAll, beforeAll, expect, test } from "vitest";
import { asUser, callerOf, type StackCaller } from "#tests/support/black_box.ts";
import { atOnce } from "#tests/support/concurrency.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { NATIVE, SIMPLE } from "#tests/support/nest.ts";

const REVOKE = "/1/oauth/revoke";
const PLAIN = { [oauth.allowInsecureRequests]: true };
const LIBRARY_CLIENT: oauth.Client = { client_id: NATIVE };

let stack: TestStack;
let api: StackCaller;
beforeAll(async () => {
  stack = await startTestStack({ settings: { LIMIT_CODES_PER_IDENTIFIER: "0" } });
  api = await callerOf(stack);
});
afterAll(() => stack[Symbol.asyncDispose]());

let people = 0;
const signIn = () => api.signIn(`standard${++people}@x.test`);
const isAccepted = async (tokens: { access_token: string }) =>
  (await api.call("get_user", {}, asUser(tokens))).status === 200;

async function discover(): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(stack.api.url);
  const response = await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...PLAIN });
  return oauth.processDiscoveryResponse(issuer, response);
}

/** Revokes a token with a library that knows only the issuer. */
async function revokeByLibrary(token: string): Promise<void> {
  const response = await oauth.revocationRequest(
    await discover(),
    LIBRARY_CLIENT,
    oauth.None(),
    token,
    PLAIN,
  );
  expect(await response.clone().text()).toBe("");
  await oauth.processRevocationResponse(response);
}

/** Posts a form as a program without a library does. */
async function post(body: string, type = "application/x-www-form-urlencoded") {
  const headers = { "content-type": type };
  const response = await fetch(`${stack.api.url}${REVOKE}`, { method: "POST", headers, body });
  const text = await response.text();
  return { status: response.status, body: text === "" ? null : JSON.parse(text) };
}
const form = (fields: Record<string, string>) => new URLSearchParams(fields).toString();

test("A06: a library that knows the issuer discovers the keys, and verifies an access token", async () => {
  const server = await discover();
  expect(server).toEqual({
    issuer: stack.api.url,
    jwks_uri: `${stack.api.url}/.well-known/jwks.json`,
    revocation_endpoint: `${stack.api.url}${REVOKE}`,
    revocation_endpoint_auth_methods_supported: ["none"],
    response_types_supported: ["code"],
    // A grant that uses an authorization endpoint would require one (RFC 8414 section 2).
    grant_types_supported: ["refresh_token"],
    code_challenge_methods_supported: ["S256"],
  });
  const { access_token, user_id } = await signIn();
  const request = new Request("https://service.example/", {
    headers: { authorization: `Bearer ${access_token}` },
  });
  const claims = await oauth.validateJwtAccessToken(server, request, NATIVE, PLAIN);
  expect(claims).toMatchObject({ sub: user_id, client_id: NATIVE, aud: NATIVE });
});

test("A33: a library revokes a refresh token, which ends the session", async () => {
  const tokens = await signIn();
  const other = await signIn();
  await revokeByLibrary(tokens.refresh_token);
  expect(await isAccepted(tokens)).toBe(false);
  expect((await api.refresh(tokens.refresh_token)).status).toBe(400);
  expect(await isAccepted(other)).toBe(true);
});

test("A33: a library revokes an access token, which ends the session", async () => {
  const tokens = await signIn();
  await revokeByLibrary(tokens.access_token);
  expect(await isAccepted(tokens)).toBe(false);
  expect((await api.refresh(tokens.refresh_token)).status).toBe(400);
});

test("a token that is unknown, wrong, revoked or expired gets 200 like a valid one", async () => {
  const tokens = await signIn();
  const [version, id, secret = ""] = tokens.refresh_token.split(".");
  const wrong = `${version}.${id}.${"0".repeat(secret.length)}`;
  const forged = `${tokens.access_token.slice(0, -8)}AAAAAAAA`;
  for (const token of [wrong, forged, "eyJ", "01.reftok_x.y", "anything", "💥"])
    expect(await post(form({ client_id: NATIVE, token }))).toEqual({ status: 200, body: null });
  expect(await isAccepted(tokens)).toBe(true);
  for (const token of [tokens.refresh_token, tokens.access_token, tokens.refresh_token])
    expect(await post(form({ client_id: NATIVE, token }))).toEqual({ status: 200, body: null });
});

test("an access token that a refresh replaced can't end the session", async () => {
  const first = await signIn();
  const second = (await api.refresh(first.refresh_token)).body;
  expect(await isAccepted(second)).toBe(true);
  expect((await post(form({ client_id: NATIVE, token: first.access_token }))).status).toBe(200);
  expect(await isAccepted(second)).toBe(true);
});

test("a token of another client is refused, and stays valid", async () => {
  const tokens = await signIn();
  for (const token of [tokens.refresh_token, tokens.access_token])
    expect(await post(form({ client_id: SIMPLE, token }))).toEqual({
      status: 400,
      body: { error: "unauthorized_client", error_description: "The token was issued to another client." },
    });
  expect(await isAccepted(tokens)).toBe(true);
});

test("a request that is no form, lacks a field or repeats one gets an error of RFC 6749", async () => {
  const token = "01.reftok_x.y";
  const cases = [
    [await post(JSON.stringify({ client_id: NATIVE, token }), "application/json"), "invalid_request"],
    [await post(form({ token })), "invalid_request"],
    [await post(form({ client_id: NATIVE })), "invalid_request"],
    [await post(form({ client_id: NATIVE, token: "" })), "invalid_request"],
    [await post(`${form({ client_id: NATIVE, token })}&token=other`), "invalid_request"],
    [await post(""), "invalid_request"],
    [await post(form({ client_id: "client_unknown", token })), "invalid_client"],
  ] as const;
  for (const [{ status, body }, error] of cases)
    expect([status, body]).toEqual([400, { error, error_description: expect.stringMatching(/^[^<>]+\.$/) }]);
  expect((await post(`token=${"x".repeat(70_000)}`)).status).toBe(413);
});

test("a session that many revocations end at once ends once, with one event", async () => {
  const tokens = await signIn();
  const bodies = [tokens.refresh_token, tokens.access_token].map((token) =>
    form({ client_id: NATIVE, token }),
  );
  const answers = await atOnce((caller) => post(bodies[caller % 2] ?? ""));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  await stack.ask("POST", "/dev/jobs/move_events");
  const rows = stack.database.collection("audit_logs");
  expect(await rows.countDocuments({ userId: tokens.user_id, action: "session.revoked" })).toBe(1);
});

test("the endpoints refuse other HTTP methods, and pages of clients may call them", async () => {
  const origin = new URL(stack.api.url).origin;
  for (const [method, path] of [
    ["GET", REVOKE],
    ["POST", "/.well-known/oauth-authorization-server"],
  ] as const)
    expect((await fetch(`${stack.api.url}${path}`, { method })).status).toBe(405);
  const metadata = await fetch(`${stack.api.url}/.well-known/oauth-authorization-server`, {
    headers: { origin },
  });
  expect(metadata.headers.get("cache-control")).toBe("public, max-age=300");
});
