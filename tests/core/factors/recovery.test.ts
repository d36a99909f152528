import { afterEach, beforeEach, expect, test } from "vitest";
import { newId } from "#core/ids.ts";
import { handler as regenerateHandler } from "#methods/2026-12-01/mfa/regenerate_recovery_codes.ts";
import { atOnce } from "#tests/support/concurrency.ts";
import { interruptedCall } from "#tests/support/interrupted_call.ts";
import { appCode, enrol, firstStep, presentFactor } from "#tests/support/mfa.ts";
import { BUSY_MACHINE, type Reply, startNest, type TestNest } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";

const ADA = "ada@example.com";
let nest: TestNest;
beforeEach(async () => {
  nest = await startNest({ slowdown: BUSY_MACHINE });
});
afterEach(() => nest.stop());

test("of two calls that replace the recovery codes at once, one gets codes, and these work", async () => {
  const { factorId: factor_id, seed } = await enrol(nest, ADA);
  const code = appCode(seed, nest.clock.now());
  const { body } = await presentFactor(nest, await firstStep(nest, ADA), { factor_id, code });
  const bearer = body.access_token;
  let second: Reply | undefined;
  const first = await interruptedCall(nest, {
    ...{ handler: regenerateHandler, bearer, write: "RecoveryCodesRepository.replace" },
    meanwhile: async () => {
      second = await nest.call(`${V3}regenerate_recovery_codes`, {}, { bearer });
    },
  });
  expect([first.status, first.body.code, first.body.recovery_codes]).toEqual([503, "unavailable", undefined]);
  expect(second?.status).toBe(200);
  const [recovery_code] = second?.body.recovery_codes ?? [];
  expect((await presentFactor(nest, await firstStep(nest, ADA), { recovery_code })).status).toBe(200);
});

test.each(["no codes", "codes", "no code left"])(
  "of many sets that replace %s at once, one is stored",
  async (had) => {
    const { recoveryCodes } = nest.gateway.core;
    const [_id, userId, issuedFor] = [newId("recoveryCodes"), newId("user"), newId("mfaFactor")];
    const setOf = (open: string[]) => ({
      _id,
      userId,
      open,
      createdAt: "2026-12-01T00:00:00.000Z",
      issuedFor,
    });
    const before = had === "no codes" ? null : { open: had === "codes" ? ["first", "second"] : [] };
    if (before) expect(await recoveryCodes.replace(setOf(before.open), null, [])).toBe(true);
    const stored = await atOnce((caller) => recoveryCodes.replace(setOf([`set ${caller}`]), before, []), 10);
    expect(stored.filter(Boolean)).toHaveLength(1);
    expect((await recoveryCodes.findByUser(userId))?.open).toEqual([`set ${stored.indexOf(true)}`]);
  },
);
