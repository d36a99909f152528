import { afterAll, beforeAll, expect, test } from "vitest";
import app from "#app";
import { FAILED_PASSWORDS_LIMIT } from "#core/repositories/refused_because.ts";
import { digitsIn } from "#tests/support/codes.ts";
import { appCode, createFactor, presentFactor, verifyFactor } from "#tests/support/mfa.ts";
import { startNest, type TestNest } from "#tests/support/nest.ts";
import { givePassword, P1, P2, resetPassword, sentReset, signInWith } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";
import { withSampleClients } from "#tools/local/sample_clients.ts";

let nest: TestNest;
beforeAll(async () => {
  nest = await startNest({ app: withSampleClients(app) });
});
afterAll(() => nest.stop());

const deviceNamed = (name: string) => ({ device: { platform: "mac", beak_id: name, fingerprint: name } });

async function reset(address: string) {
  const { token } = await sentReset(nest, { identifier_value: address });
  expect((await resetPassword(nest, { token, password: P2 })).status).toBe(200);
  nest.clock.advance(61);
  return signInWith(nest, address, P2);
}

test("a factor that a thief of the password added stays after a disowned session and a reset, until an operator removes it", async () => {
  const address = "robbed@example.com";
  const userId = await givePassword(nest, address);
  await signInWith(nest, address, P1, deviceNamed("own"));
  nest.clock.advance(61);
  const { body: thief } = await signInWith(nest, address, P1, deviceNamed("thief"));
  const token = /disown=([0-9a-f]{64})/.exec(nest.lastMail(address).text)?.[1];
  const { factor_id, secret } = (await createFactor(nest, thief)).body;
  const verified = await verifyFactor(nest, thief, factor_id, appCode(secret, nest.clock.now(), -1));
  expect(verified.status).toBe(200);
  expect((await nest.call(`${V3}disown_session`, { token })).status).toBe(200);
  const refused = await reset(address);
  expect([refused.status, refused.body.code]).toEqual([403, "mfa_required"]);
  const removal = { user_id: userId, factor_id };
  expect((await nest.call(`${V3}remove_mfa_factor`, removal, { internal: true })).status).toBe(200);
  expect((await signInWith(nest, address, P2)).status).toBe(200);
});

test("after strangers lock a password, its reset by mail leaves recovery codes to a user whose only factor is mail", async () => {
  const address = "locked@example.com";
  const userId = await givePassword(nest, address);
  const { body: tokens } = await signInWith(nest, address);
  const { factor_id } = (await createFactor(nest, tokens, { factor_type: "email" })).body;
  const added = await verifyFactor(nest, tokens, factor_id, digitsIn(nest.lastMail(address).text));
  const failedCount = FAILED_PASSWORDS_LIMIT;
  await nest.collection("passwords").updateOne({ userId }, { $set: { failedCount } });
  expect((await signInWith(nest, address)).body.code).toBe("invalid_credentials");
  expect((await reset(address)).body.meta.factors).toEqual([]);
  const mfaToken = await signInWith(nest, address, P2).then(({ body }) => body.meta.mfa_token);
  const [recovery_code] = added.body.recovery_codes;
  expect((await presentFactor(nest, mfaToken, { recovery_code })).status).toBe(200);
});
