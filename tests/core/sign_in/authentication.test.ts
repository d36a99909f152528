import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readJws } from "#tests/support/jws.ts";
import { exchange, MAC, startNest, type TestNest, V1 } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";

let nest: TestNest;
beforeAll(async () => {
  nest = await startNest();
});
afterAll(() => nest.stop());

const OLD_FIELDS = [
  ...["access_token", "token_type", "expires_in", "expires_at", "refresh_token", "user_id", "client_id"],
];
const redeem = async (path: string, address: string) =>
  nest.call(`${path}authenticate_user`, exchange(await nest.emailedCode({ identifier_value: address })));
const refresh = (path: string, refresh_token: string) =>
  nest.call(`${path}authenticate_user`, { client_id: MAC, grant_type: "refresh_token", refresh_token });
const claimsOf = ({ access_token }: { access_token: string }) => readJws(access_token).claims;
const secondsOf = (iso: string) => Math.floor(Date.parse(iso) / 1000);

describe("when and how a person signed in", () => {
  test("stands in the response and the access token of 2026-12-01, and a refresh keeps it", async () => {
    const { status, body } = await redeem(V3, "new@example.com");
    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual([...OLD_FIELDS, "session_id", "auth_time", "amr"]);
    const session = await nest.collection("sessions").findOne({ _id: body.session_id });
    expect(session).toMatchObject({
      userId: body.user_id,
      createdAt: body.auth_time,
      authTime: body.auth_time,
      amr: ["link"],
    });
    expect(body.amr).toEqual(["link"]);
    expect(claimsOf(body)).toMatchObject({
      auth_time: secondsOf(body.auth_time),
      amr: ["link"],
      sid: body.session_id,
    });
    nest.clock.advance(3600);
    const refreshed = await refresh(V3, body.refresh_token);
    const { session_id, auth_time, amr } = body;
    expect(refreshed.body).toMatchObject({ session_id, auth_time, amr });
    expect(claimsOf(refreshed.body)).toMatchObject({ auth_time: secondsOf(auth_time), amr });
  });

  test("is repeated by a redemption that is resumed after a lost response", async () => {
    const code = await nest.emailedCode({ identifier_value: "lost@example.com" });
    const first = await nest.call(`${V3}authenticate_user`, exchange(code));
    nest.clock.advance(6);
    const again = await nest.call(`${V3}authenticate_user`, exchange(code));
    const { session_id, auth_time, amr } = first.body;
    expect(again.body).toMatchObject({ session_id, auth_time, amr });
    expect(claimsOf(again.body).auth_time).toBe(secondsOf(auth_time));
  });

  test("stands in no response and no access token of an older date, also for a session of 2026-12-01", async () => {
    const { body } = await redeem(V1, "old@example.com");
    const mixed = await redeem(V3, "mixed@example.com");
    const refreshed = await refresh(V1, mixed.body.refresh_token);
    for (const answered of [body, refreshed.body]) {
      expect(Object.keys(answered)).toEqual(OLD_FIELDS);
      expect(Object.keys(claimsOf(answered)).sort()).toEqual(
        ["aud", "client_id", "exp", "iat", "iss", "jti", "sid", "sub", "v"].sort(),
      );
    }
    expect((await refresh(V3, body.refresh_token)).body.amr).toEqual(["link"]);
  });

  test("is the start of the session and a link for a session of the previous release", async () => {
    const { body } = await redeem(V1, "before@example.com");
    const fields = { $unset: { authTime: "", amr: "" } } as const;
    await nest.collection("sessions").updateMany({ userId: body.user_id }, fields);
    const session = await nest.collection("sessions").findOne({ userId: body.user_id });
    nest.clock.advance(60);
    const refreshed = await refresh(V3, body.refresh_token);
    expect(refreshed.body).toMatchObject({ auth_time: session?.createdAt, amr: ["link"] });
  });
});
