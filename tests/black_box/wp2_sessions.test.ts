import { createHmac } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generateKeySet } from "#core/keys/key_rotation.ts";
import type { StoredKey } from "#core/keys/signing_keys.ts";
import { answerOf, asUser, callerOf, type StackCaller } from "#tests/support/black_box.ts";
import { forge, readJws } from "#tests/support/jws.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { exchange, linkRequest } from "#tests/support/nest.ts";
import { P1 } from "#tests/support/passwords.ts";

let stack: TestStack;
let api: StackCaller;
beforeAll(async () => {
  stack = await startTestStack({ settings: { LIMIT_CODES_PER_IDENTIFIER: "0" } });
  api = await callerOf(stack);
});
afterAll(() => stack[Symbol.asyncDispose]());

const getUser = (tokens: { access_token: string }) => api.call("get_user", {}, asUser(tokens));

test("WP2.1: of two sessions one is current, and ending the other leaves the own", async () => {
  const other = await api.signIn("two@x.test");
  const own = await api.signIn("two@x.test");
  const { items } = (await api.call("list_sessions", {}, asUser(own))).body;
  expect(items.map(({ id, current }: { id: string; current: boolean }) => [id, current])).toEqual([
    [own.session_id, true],
    [other.session_id, false],
  ]);
  const ended = await api.call("revoke_session", { session_id: other.session_id }, asUser(own));
  expect(ended.status).toBe(200);
  expect((await getUser(other)).status).toBe(401);
  expect((await getUser(own)).status).toBe(200);
});

test("WP2.2: a refresh token that is used again after its successor ends the session, and is audited", async () => {
  const first = await api.signIn("reuse@x.test");
  const second = (await api.refresh(first.refresh_token)).body;
  expect(second.refresh_token).not.toBe(first.refresh_token);
  // The client got its tokens, so a repetition is no lost response.
  expect((await getUser(second)).status).toBe(200);
  stack.pass(11);
  expect((await api.refresh(first.refresh_token)).status).toBe(400);
  expect((await getUser(second)).status).toBe(401);
  expect((await api.refresh(second.refresh_token)).status).toBe(400);
  expect((await stack.ask("POST", "/dev/jobs/move_events")).status).toBe(200);
  const rows = stack.database
    .collection("audit_logs")
    .find({ userId: first.user_id, action: "token.reuse_detected" });
  expect(await rows.toArray()).toHaveLength(1);
});

test("WP2.3: ending the own session refuses its tokens", async () => {
  const own = await api.signIn("leaves@x.test");
  expect((await api.call("revoke_session", {}, asUser(own))).status).toBe(200);
  expect((await getUser(own)).status).toBe(401);
  expect((await api.refresh(own.refresh_token)).status).toBe(400);
});

test("WP2.7: a second code within 60 s is refused alike for known and unknown people, whatever the headers", async () => {
  const limited = await startTestStack();
  const strict = await callerOf(limited);
  await strict.signIn("known@x.test");
  const send = (identifier_value: string, headers = {}) => {
    const client_id = strict.clients.native;
    return strict.call("send_otp", { client_id, identifier_type: "email", identifier_value }, headers);
  };
  expect((await send("unknown@x.test")).status).toBe(200);
  for (const address of ["known@x.test", "unknown@x.test"])
    for (const headers of [{}, { "x-forwarded-for": "198.51.100.7" }]) {
      const refused = await send(address, headers);
      expect(answerOf(refused)).toEqual([429, "rate_limited"]);
      const retryAfter = Number(refused.headers.get("retry-after"));
      expect(retryAfter).toBeGreaterThanOrEqual(1);
      expect(retryAfter).toBeLessThanOrEqual(60);
      expect(refused.body.meta.retry_after).toBe(retryAfter);
    }
  await limited[Symbol.asyncDispose]();
});

test("WP2.8: after ten wrong passwords the network must wait, while a magic link and another network sign in", async () => {
  const address = "guessed@x.test";
  expect((await api.register(address, P1)).status).toBe(200);
  for (let tries = 0; tries < 10; tries++)
    expect(answerOf(await api.signInWith(address, `wrong ${tries} and long enough`))).toEqual([
      ...[401, "invalid_credentials"],
    ]);
  expect(answerOf(await api.signInWith(address, "wrong once more, and long"))).toEqual([429, "rate_limited"]);
  expect(answerOf(await api.signInWith(address, P1))).toEqual([429, "rate_limited"]);
  expect((await api.signInWith(address, P1, "127.0.0.2")).status).toBe(200);
  const client_id = api.clients.native;
  await api.call("send_magic_link", linkRequest({ client_id, identifier_value: address }));
  const link = new URL(/https:\S+/.exec(api.mailTo(address).text)?.[0] ?? "");
  const redeemed = { ...exchange(link.searchParams.get("code") ?? ""), client_id };
  expect((await api.call("authenticate_user", redeemed)).status).toBe(200);
});

describe("WP2.10: an access token", () => {
  test("WP2.10: with another algorithm, key, audience, type or an expired one is refused with 401", async () => {
    const tokens = await api.signIn("forged@x.test");
    const { header, claims } = readJws(tokens.access_token);
    const ours = stack.secrets.signingKeys.keys.find(({ state }) => state === "current") as StoredKey;
    const [theirs] = (await generateKeySet(new Date())).keys as [StoredKey];
    const jwk = JSON.stringify({ kty: ours.kty, crv: ours.crv, x: ours.x, y: ours.y });
    const hs256 = (input: string) => createHmac("sha256", jwk).update(input).digest();
    const past = claims.iat - 7200;
    expect((await getUser({ access_token: forge(header, claims, ours) })).status).toBe(200);
    const forged = {
      "alg none": forge({ ...header, alg: "none" }, claims, () => Buffer.alloc(0)),
      "HS256 with the public key": forge({ ...header, alg: "HS256" }, claims, hs256),
      RS256: forge({ ...header, alg: "RS256" }, claims, ours),
      "another audience": forge(header, { ...claims, aud: "client_none" }, ours),
      "another type": forge({ ...header, typ: "JWT" }, claims, ours),
      "an expired token": forge(header, { ...claims, iat: past, nbf: past, exp: past + 3600 }, ours),
      "another key": forge(header, claims, theirs),
    };
    for (const [what, access_token] of Object.entries(forged))
      expect(answerOf(await getUser({ access_token })), what).toEqual([401, "unauthorized"]);
  });
});
