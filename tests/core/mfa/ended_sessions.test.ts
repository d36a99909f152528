import { afterAll, beforeAll, expect, test } from "vitest";
import { handler as authenticateUser } from "#methods/2026-12-01/sign_in/authenticate_user.ts";
import { interruptedCall } from "#tests/support/interrupted_call.ts";
import { appCode, enrol, firstStep } from "#tests/support/mfa.ts";
import { BUSY_MACHINE, NATIVE, startNest, type TestNest } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";

const ADA = "ada@example.com";
let nest: TestNest;
beforeAll(async () => {
  nest = await startNest({ slowdown: BUSY_MACHINE });
});
afterAll(() => nest.stop());

test("all sessions that end after a first factor end the one that its second factor starts, even if the end is stored in between", async () => {
  const ada = await enrol(nest, ADA);
  const token = await firstStep(nest, ADA);
  nest.clock.advance(1);
  const endedAt = nest.clock.now().toISOString();
  nest.clock.advance(1);
  const { status, body } = await interruptedCall(nest, {
    handler: authenticateUser,
    body: {
      ...{ client_id: NATIVE, grant_type: "mfa", mfa_token: token },
      ...{ factor_id: ada.factorId, code: appCode(ada.seed, nest.clock.now()) },
    },
    write: "SessionRepository.insertIfAbsent",
    // As `revoke_all_sessions` does, which began before this call and does not see its session.
    meanwhile: () => nest.gateway.core.users.endSessions(ada.userId, endedAt, null),
  });
  expect([status, body.amr]).toEqual([200, ["pwd", "otp", "mfa"]]);
  const bearer = String(body.access_token);
  expect((await nest.call(`${V3}get_user`, {}, { bearer })).status).toBe(401);
  const refreshed = await nest.refresh(String(body.refresh_token), { client_id: NATIVE });
  expect([refreshed.status, refreshed.body.code]).toEqual([400, "authorization_not_found"]);
});
