import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadMethods } from "#routes.ts";
import {
  exchange,
  linkRequest,
  MAC,
  REDIRECT,
  startNest,
  type TestNest,
  type Tokens,
  V1,
  V2,
  VERIFIER,
  WEB,
  WINDOWS,
} from "#tests/support/nest.ts";

/** Ada has a session, a subscription and a code. Bob is signed in and knows every id and token of hers. */
/** Status and body of a call that its access policy refuses. */
const REFUSED = [403, '{"code":"access_denied"}'];

describe("tokens, codes and ids of one user or client, used by another", () => {
  let nest: TestNest;
  let ada: Tokens;
  let bob: Tokens;
  let adasSession: string;
  let code: string;
  let entitlement: string;
  let portal: string;
  let before: string;

  beforeAll(async () => {
    nest = await startNest();
    ada = await nest.signIn("ada@example.com");
    bob = await nest.signIn("bob@example.com");
    nest.stripe.createSubscription({ email: "ada@example.com" });
    await nest.deliverEvents();
    const own = { user_id: ada.user_id };
    const as = { bearer: ada.access_token };
    [{ id: adasSession }] = (await nest.call(`${V2}list_sessions`, own, as)).body;
    ({ entitlement, billing_portal_url: portal } = (
      await nest.call(`${V2}get_subscription_status`, own, as)
    ).body);
    await nest.call(`${V2}list_sessions`, { user_id: bob.user_id }, { bearer: bob.access_token });
    code = await nest.emailedCode({ identifier_value: "ada@example.com" });
    before = await nest.dump();
  });
  afterAll(() => nest.stop());

  /** Every user method, with a body that is valid except for its user. */
  const ownMethods = async (user_id: unknown) =>
    (await loadMethods())
      .filter(({ handler }) => handler.declaration.access.includes("own_user"))
      .flatMap(({ handler, paths }) => {
        const fields = Object.keys((handler.declaration.request as unknown as { shape: object }).shape);
        const values: Record<string, unknown> = {
          user_id,
          level: "general",
          session_id: adasSession,
          factor_id: "mfafac_1",
        };
        const body = Object.fromEntries(fields.map((field) => [field, values[field]]));
        // Bob owns an account of his own, of which another user is no member, known or not.
        const isOfAccount = /\|acct:[^|]+$/.test(handler.declaration.access);
        const refusal = isOfAccount ? [404, '{"code":"user_not_found"}'] : REFUSED;
        return paths.map((path) => ({ path, body, refusal }));
      });

  test("every user method refuses other users and unauthenticated callers, and writes nothing", async () => {
    const calls = await ownMethods(ada.user_id);
    expect(calls.length).toBeGreaterThan(7);
    for (const { path, body, refusal } of calls) {
      const answered = async (options: object) => {
        const { status, raw } = await nest.call(path, body, options);
        return [status, raw];
      };
      expect(await answered({ bearer: bob.access_token }), path).toEqual(refusal);
      for (const options of [{}, { headers: { authorization: "internal x" } }])
        expect(await answered(options), path).toEqual(REFUSED);
    }
    expect(await nest.dump()).toBe(before);
  });

  test("a malformed or duplicated user id gives no access to another user", async () => {
    for (const id of [` ${bob.user_id}`, `${bob.user_id}\u0000`, bob.user_id.toUpperCase(), "me", "*"])
      for (const { path, body, refusal } of await ownMethods(id)) {
        const reply = await nest.call(path, body, { bearer: bob.access_token });
        expect(reply.status, `${path} ${id}`).toBe(refusal[0]);
      }
    const as = { bearer: bob.access_token };
    const twice = (first: string, last: string) => `{"user_id":"${first}","user_id":"${last}"}`;
    const adaLast = await nest.call(`${V2}get_user`, twice(bob.user_id, ada.user_id), as);
    expect(adaLast.body).toEqual({ code: "access_denied" });
    const bobLast = await nest.call(`${V2}get_user`, twice(ada.user_id, bob.user_id), as);
    expect(bobLast.body.id).toBe(bob.user_id);
    const escaped = `{"user_id":"${ada.user_id}","user\\u005fid":"${bob.user_id}"}`;
    expect((await nest.call(`${V2}get_user`, escaped, as)).body.id).toBe(bob.user_id);
    expect(await nest.dump()).toBe(before);
  });

  test("revoking another user's session returns not_found and leaves it active", async () => {
    const body = { user_id: bob.user_id, session_id: adasSession };
    const reply = await nest.call(`${V2}revoke_session`, body, { bearer: bob.access_token });
    expect({ status: reply.status, body: reply.body }).toEqual({ status: 404, body: { code: "not_found" } });
    const unknown = await nest.call(
      `${V2}revoke_session`,
      { ...body, session_id: "session_none" },
      { bearer: bob.access_token },
    );
    expect(unknown.raw).toBe(reply.raw);
    expect(await nest.dump()).toBe(before);
  });

  /** Every token, code and id of Ada that an attacker could have, and the secrets and ids of the service. */
  const things = (): Record<string, string> => ({
    "access token": ada.access_token,
    "refresh token": ada.refresh_token,
    "secret of the refresh token": ada.refresh_token.split(".")[2] ?? "",
    "id of the refresh token": ada.refresh_token.split(".")[1] ?? "",
    code,
    "id of the code": code.split(".")[0] ?? "",
    "secret of the code": code.split(".")[1] ?? "",
    verifier: VERIFIER,
    entitlement,
    "portal link": portal,
    "session id": adasSession,
    "user id": ada.user_id,
    "internal key": nest.secrets.internalKey,
    "refresh key": nest.secrets.refreshKey,
    "rate limit key": nest.secrets.rateLimitKey,
    "webhook secret": nest.stripe.webhookSecret,
    "Stripe key": nest.stripe.secretKey,
  });

  test("refuses each token, code, id and key where another kind is expected", async () => {
    const own = { user_id: ada.user_id };
    for (const [name, thing] of Object.entries(things())) {
      const sent = async (authorization: string) =>
        (await nest.call(`${V2}get_user`, own, { headers: { authorization } })).status;
      if (name !== "access token") expect(await sent(`bearer ${thing}`), name).toBe(401);
      if (name !== "internal key") expect(await sent(`internal ${thing}`), name).toBe(403);
      if (name !== "refresh token")
        expect([name, (await nest.refresh(thing)).status]).not.toEqual([name, 200]);
      if (name !== "code") expect([name, (await nest.redeem(thing)).status]).not.toEqual([name, 200]);
      if (name === "refresh token") continue;
      const reply = await nest.call(`${V2}revoke_token`, { client_id: MAC, refresh_token: thing });
      expect(reply.status, name).toEqual(thing.length > 512 ? 400 : 204);
    }
    expect(await nest.dump()).toBe(before);
  });

  test("refuses a code or refresh token of another client, and disabled and unknown clients", async () => {
    for (const client_id of [WINDOWS, WEB, "client_none", "__proto__"]) {
      expect((await nest.refresh(ada.refresh_token, { client_id })).body.code).toBe("incorrect_client");
      expect((await nest.call(`${V1}authenticate_user`, { ...exchange(code), client_id })).body.code).toBe(
        "incorrect_client",
      );
    }
    const link = (change: object) => nest.call(`${V1}send_magic_link`, linkRequest({ ...change }));
    expect((await link({ client_id: WEB, redirect_uri: REDIRECT })).body.code).toBe("client_not_found");
    expect((await link({ redirect_uri: "https://rio.getbeak.app/" })).body.code).toBe("invalid_redirect_uri");
  });

  test("leaves the victim's access token, refresh token, session and code valid after all attempts", async () => {
    const own = { user_id: ada.user_id };
    const sessions = (await nest.call(`${V2}list_sessions`, own, { bearer: ada.access_token })).body;
    expect(sessions.map(({ id }: { id: string }) => id)).toEqual([adasSession]);
    expect((await nest.refresh(ada.refresh_token)).status).toBe(200);
    expect((await nest.redeem(code)).status).toBe(200);
  });
});
