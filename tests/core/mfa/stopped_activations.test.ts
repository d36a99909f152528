import { afterAll, beforeAll, expect, test } from "vitest";
import { MINUTE } from "#core/clock.ts";
import { appCode, createFactor, verifyFactor } from "#tests/support/mfa.ts";
import { BUSY_MACHINE, NATIVE, startNest, type TestNest, type Tokens } from "#tests/support/nest.ts";
import { givePassword, signInWith } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";

const ADA = "ada@example.com";
let nest: TestNest;
beforeAll(async () => {
  nest = await startNest({ slowdown: BUSY_MACHINE });
});
afterAll(() => nest.stop());

const use = async ({ access_token: bearer }: Tokens) =>
  (await nest.call(`${V3}get_user`, {}, { bearer })).status;

test("the first sign-in after an activation that stopped ends the sessions that are older than the factor", async () => {
  await givePassword(nest, ADA);
  const older = (await signInWith(nest, ADA)).body as Tokens;
  nest.clock.advance(1);
  const owner = (await signInWith(nest, ADA)).body as Tokens;
  const { factor_id, secret } = (await createFactor(nest, owner)).body;
  const { sessions } = nest.gateway.core;
  const real = sessions.listUnrevoked;
  sessions.listUnrevoked = async () => {
    sessions.listUnrevoked = real;
    throw new Error("the process stopped");
  };
  const code = appCode(secret, nest.clock.now(), -1);
  expect((await verifyFactor(nest, owner, factor_id, code)).status).toBe(500);

  // The owner can still repeat the call, which ends them and issues recovery codes.
  nest.clock.advance(MINUTE);
  expect((await signInWith(nest, ADA)).body.code).toBe("mfa_required");
  expect(await use(older)).toBe(200);

  nest.clock.advance(15 * MINUTE);
  expect((await signInWith(nest, ADA)).body.code).toBe("mfa_required");
  expect(await use(older)).toBe(401);
  expect((await nest.refresh(older.refresh_token, { client_id: NATIVE })).status).toBe(400);
  expect(await use(owner)).toBe(200);
  const stored = await nest.collection("mfa_factors").findOne({ _id: factor_id });
  expect(stored?.activation).toMatchObject({ isComplete: true });
});
