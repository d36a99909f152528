import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listSignInEvents } from "#core/sessions/sign_in_history.ts";
import { atOnce } from "#tests/support/concurrency.ts";
import { readJws } from "#tests/support/jws.ts";
import { type CallOptions, MAC, startNest, type TestNest, type Tokens } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";

let nest: TestNest;
let ada: Tokens;
beforeAll(async () => {
  nest = await startNest();
  ada = await nest.signIn();
});
afterAll(() => nest.stop());

const issue = (
  change: Record<string, unknown> = {},
  options: CallOptions = { internal: true },
  on: TestNest = nest,
) => {
  const asked = { client_id: MAC, user_id: ada.user_id, device: { device_id: "test device" } };
  return on.call(`${V3}issue_token`, { ...asked, ...change }, options);
};
const whoIs = (bearer: string) => nest.call(`${V3}get_user`, {}, { bearer });

describe("issue_token", () => {
  test("issues a token without a refresh token, which allows the calls of its user", async () => {
    const { status, body } = await issue();
    expect(status).toBe(200);
    expect(body).toMatchObject({
      ...{ token_type: "bearer", expires_in: 3600, user_id: ada.user_id, client_id: MAC, amr: ["test"] },
    });
    expect(body).not.toHaveProperty("refresh_token");
    expect(readJws(body.access_token).claims).toMatchObject({
      ...{ sub: ada.user_id, device_id: "test device", amr: ["test"], sid: body.session_id },
    });
    expect((await whoIs(body.access_token)).body.id).toBe(ada.user_id);
  });

  test("starts a session that ends with the token and names the internal key", async () => {
    const { body } = await issue({ lifetime: 60 });
    expect(body.expires_in).toBe(60);
    const session = await nest.collection("sessions").findOne({ _id: body.session_id });
    expect(session).toMatchObject({
      rootGrant: { type: "issue_token", value: expect.any(String) },
      ...{ amr: ["test"], deviceId: "test device", expiresAt: body.expires_at },
    });
    const refreshTokens = nest.collection("refresh-tokens");
    expect(await refreshTokens.countDocuments({ sessionId: body.session_id })).toBe(0);
    nest.clock.advance(61);
    expect((await whoIs(body.access_token)).body.reasons).toEqual([{ code: "token_expired" }]);
    const { body: listed } = await nest.call(`${V3}list_sessions`, {}, { bearer: ada.access_token });
    expect(listed.items.map(({ id }: { id: string }) => id)).not.toContain(body.session_id);
  });

  test("starts a session that its user can revoke", async () => {
    const { body } = await issue();
    const { user_id } = ada;
    await nest.call(`${V3}revoke_session`, { user_id, session_id: body.session_id }, { internal: true });
    expect((await whoIs(body.access_token)).body.reasons).toEqual([{ code: "token_revoked" }]);
  });

  test("is refused to everybody without an internal key, and to a key that does not list it", async () => {
    const { body: issued } = await issue();
    for (const options of [{}, { bearer: ada.access_token }, { bearer: issued.access_token }])
      expect(await issue({}, options)).toMatchObject({ status: 403, body: { code: "access_denied" } });
  });

  test("is disabled in production, and issues nothing there", async () => {
    const prod = await startNest({ beside: nest, environment: { STAGE: "prod" } });
    const before = await nest.collection("sessions").countDocuments();
    const refused = await issue({}, { internal: true }, prod);
    expect(refused).toMatchObject({ status: 403, body: { code: "method_disabled" } });
    expect(await nest.collection("sessions").countDocuments()).toBe(before);
    await prod.stop();
  });

  test("refuses a missing device, an unknown user, an unknown client and a lifetime out of range", async () => {
    for (const change of [{ device: undefined }, { device: {} }, { lifetime: 0 }, { lifetime: 864_001 }])
      expect((await issue(change)).body.code).toBe("validation_failed");
    expect(await issue({ user_id: "user_none" })).toMatchObject({
      status: 404,
      body: { code: "user_not_found" },
    });
    expect((await issue({ client_id: "client_none" })).body.code).toBe("client_not_found");
    expect((await nest.call("/1/2021-10-06/issue_token", {})).body.code).toBe("not_found");
  });

  test("starts a session of its own at each of many simultaneous calls", async () => {
    const replies = await atOnce(() => issue(), 20);
    const ids = replies.map(({ body }) => body.session_id);
    expect(new Set(ids).size).toBe(20);
  });
});

describe("a test token", () => {
  test("is audited with the internal key, and counts as no sign-in in trial, mail and history", async () => {
    const address = "trial@example.com";
    await nest.startTrial(address, "203.0.113.7");
    await nest.deliverEvents();
    const user_id = await nest.userIdOf(address);
    const trialBefore = await nest.collection("trials").findOne({ userId: user_id });
    const mails = nest.ses.inbox.length;
    const { body } = await issue({ user_id });
    expect(await nest.collection("trials").findOne({ userId: user_id })).toEqual(trialBefore);
    expect(nest.ses.inbox).toHaveLength(mails);
    expect(await nest.gateway.core.sessions.findNewest(user_id)).toBeNull();

    const rows = await nest.moveEvents();
    const row = rows.find(({ target }) => target.id === body.session_id);
    expect(row).toMatchObject({
      ...{ action: "user.signed_in", userId: user_id, clientId: MAC, outcome: "success" },
      ...{ actor: { type: "internal" }, data: { grant: "issue_token" } },
    });
    const sessions = await nest.gateway.core.sessions.listByUser(user_id);
    const empty = {
      ...{ auditLogs: [], authorizations: [], identifiers: [] },
      ...{ mailEvents: [], mfaChallenges: [], recoveryCodes: [], refreshTokens: [], verifications: [] },
    };
    expect(listSignInEvents(nest.gateway.core, { sessions, ...empty })).toMatchObject([
      { code: "test_token_issued", about: body.session_id },
    ]);
  });
});
