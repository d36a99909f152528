import { afterEach, beforeEach, expect, test } from "vitest";
import { appCode, createFactor, firstStep, presentFactor, verifyFactor } from "#tests/support/mfa.ts";
import { BUSY_MACHINE, startNest, type TestNest, type Tokens } from "#tests/support/nest.ts";
import { Authenticator, addPasskey, verifyPasskey } from "#tests/support/passkeys.ts";
import { givePassword, signInWith } from "#tests/support/passwords.ts";

const ADA = "ada@example.com";
let nest: TestNest;
let tokens: Tokens;
beforeEach(async () => {
  nest = await startNest({ slowdown: BUSY_MACHINE });
  await givePassword(nest, ADA);
  ({ body: tokens } = await signInWith(nest, ADA));
});
afterEach(() => nest.stop());

const ways = {
  "an authenticator app": async () => {
    const { factor_id, secret } = (await createFactor(nest, tokens)).body;
    const code = appCode(secret, nest.clock.now());
    return () => verifyFactor(nest, tokens, factor_id, code);
  },
  "a passkey": async () => {
    const { factor_id, passkey_options } = (await addPasskey(nest, tokens)).body;
    const credential = new Authenticator().create(passkey_options);
    return () => verifyPasskey(nest, tokens, factor_id, credential);
  },
};

test.each(Object.entries(ways))(
  "a repeated activation of %s issues no recovery codes again",
  async (_, prepare) => {
    const verify = await prepare();
    const first = await verify();
    nest.clock.advance(400);
    const again = await verify();
    expect(again.body).toEqual({ factor: first.body.factor, recovery_codes: null });
    const [recovery_code] = first.body.recovery_codes;
    expect((await presentFactor(nest, await firstStep(nest, ADA), { recovery_code })).status).toBe(200);
  },
);

test("an activation that stopped before its end issues the recovery codes when it is repeated", async () => {
  const verify = await ways["an authenticator app"]();
  const first = await verify();
  // As if the call had stopped before its last write.
  const change = { $unset: { "activation.isComplete": "" as const } };
  const { modifiedCount } = await nest.collection("mfa_factors").updateOne({}, change);
  expect(modifiedCount).toBe(1);
  const again = await verify();
  expect(again.body.recovery_codes).toHaveLength(10);
  const present = async (recovery_code: string) =>
    (await presentFactor(nest, await firstStep(nest, ADA), { recovery_code })).status;
  expect(await present(first.body.recovery_codes[0])).toBe(401);
  expect(await present(again.body.recovery_codes[0])).toBe(200);
});
