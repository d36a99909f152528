import { afterEach, beforeEach, expect, test } from "vitest";
import { newId } from "#core/ids.ts";
import { REDEMPTION_LIMIT_MS } from "#core/verifications/attempt.ts";
import { handler as verifyHandler } from "#methods/2026-12-01/mfa/verify_mfa_factor.ts";
import { atOnce, rounds } from "#tests/support/concurrency.ts";
import { interruptedCall } from "#tests/support/interrupted_call.ts";
import { appCode, createFactor, firstStep, presentFactor, verifyFactor } from "#tests/support/mfa.ts";
import { BUSY_MACHINE, type Reply, startNest, type TestNest, type Tokens } from "#tests/support/nest.ts";
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
  const meanwhile = await verify();
  expect([meanwhile.status, meanwhile.body.code]).toEqual([503, "unavailable"]);
  expect(Number(meanwhile.headers["retry-after"]) * 1000).toBeGreaterThan(REDEMPTION_LIMIT_MS);
  nest.clock.advance(REDEMPTION_LIMIT_MS / 1000 + 1);
  const again = await verify();
  expect(again.body.recovery_codes).toHaveLength(10);
  const present = async (recovery_code: string) =>
    (await presentFactor(nest, await firstStep(nest, ADA), { recovery_code })).status;
  expect(await present(first.body.recovery_codes[0])).toBe(401);
  expect(await present(again.body.recovery_codes[0])).toBe(200);
});

test("an activation that an earlier version left halfway issues the recovery codes when it is repeated", async () => {
  const verify = await ways["an authenticator app"]();
  await verify();
  const change = { $unset: { "activation.isComplete": "" as const, "activation.startedAt": "" as const } };
  await factorsOf().updateOne({}, change);
  expect((await verify()).body.recovery_codes).toHaveLength(10);
});

const codesWork = async (recovery_code: string) =>
  (await presentFactor(nest, await firstStep(nest, ADA), { recovery_code })).status;

/** What the calls answered, and the codes that they issued. */
function codesIn(replies: readonly Reply[]): string[][] {
  return replies.flatMap(({ status, body }) =>
    status === 200 && body.recovery_codes ? [body.recovery_codes] : [],
  );
}

test("of many activations of one factor at once, one gets recovery codes, and these work", async () => {
  await rounds(async (round) => {
    const address = await newUser(round);
    ({ body: tokens } = await signInWith(nest, address));
    const verify = await ways["an authenticator app"]();
    const issued = codesIn(await atOnce(verify, 5));
    expect(issued).toHaveLength(1);
    expect(
      (await presentFactor(nest, await firstStep(nest, address), { recovery_code: issued[0]?.[0] })).status,
    ).toBe(200);
  }, 5);
});

test("of many repetitions of an activation that failed, one gets recovery codes, and these work", async () => {
  const verify = await ways["an authenticator app"]();
  await verify();
  await factorsOf().updateOne(
    {},
    { $unset: { "activation.isComplete": "" }, $set: { "activation.hasFailed": true } },
  );
  const issued = codesIn(await atOnce(verify, 4));
  expect(issued).toHaveLength(1);
  expect(await codesWork(issued[0]?.[0] ?? "")).toBe(200);
});

test("an activation that is repeated while the first call runs gets no recovery codes", async () => {
  const { factor_id, secret } = (await createFactor(nest, tokens)).body;
  const code = appCode(secret, nest.clock.now());
  let second: Reply | undefined;
  const first = await interruptedCall(nest, {
    ...{ handler: verifyHandler, bearer: tokens.access_token, body: { factor_id, code } },
    write: "MfaFactorRepository.completeActivation",
    meanwhile: async () => {
      second = await verifyFactor(nest, tokens, factor_id, code);
    },
  });
  expect([second?.status, second?.body.code]).toEqual([503, "unavailable"]);
  const [recovery_code] = first.body.recovery_codes as string[];
  expect(await codesWork(recovery_code ?? "")).toBe(200);
});

async function newUser(round: number): Promise<string> {
  const address = `many-${round}@example.com`;
  await givePassword(nest, address);
  return address;
}

const factorsOf = () => nest.collection("mfa_factors");
const activeCount = () => factorsOf().countDocuments({ userId: tokens.user_id, status: "active" });

/** Stores copies of a factor that waits for its first code. @returns their ids */
async function copyPending(factor_id: string, count: number): Promise<string[]> {
  const stored = await factorsOf().findOne({ _id: factor_id as never });
  const copies = Array.from({ length: count }, () => ({ ...stored, _id: newId("mfaFactor") as never }));
  await factorsOf().insertMany(copies);
  return copies.map(({ _id }) => String(_id));
}

test("refuses an eleventh factor that was created beside the tenth, until another one is removed", async () => {
  const { factor_id, secret } = (await createFactor(nest, tokens)).body;
  const codeNow = () => appCode(secret, nest.clock.now());
  for (const id of await copyPending(factor_id, 9))
    expect((await verifyFactor(nest, tokens, id, codeNow())).status).toBe(200);
  const verifyPasskeyLater = await ways["a passkey"]();
  expect((await verifyFactor(nest, tokens, factor_id, codeNow())).status).toBe(200);
  const refused = await verifyPasskeyLater();
  expect([refused.status, refused.body.code]).toEqual([409, "too_many_factors"]);
  expect(await activeCount()).toBe(10);
  await factorsOf().deleteOne({ _id: factor_id as never });
  expect((await verifyPasskeyLater()).status).toBe(200);
});

test("of many factors that are activated at once, at most ten become active", async () => {
  await rounds(async (round) => {
    ({ body: tokens } = await signInWith(nest, await newUser(round)));
    const { factor_id, secret } = (await createFactor(nest, tokens)).body;
    const codeNow = () => appCode(secret, nest.clock.now());
    for (const id of await copyPending(factor_id, 7))
      expect((await verifyFactor(nest, tokens, id, codeNow())).status).toBe(200);
    const racing = await copyPending(factor_id, 8);
    const replies = await atOnce((caller) => verifyFactor(nest, tokens, racing[caller] ?? "", codeNow()), 8);
    const accepted = replies.filter(({ status }) => status === 200);
    for (const { status, body } of replies)
      if (status !== 200) expect([status, body.code]).toEqual([409, "too_many_factors"]);
    expect(accepted.length).toBeLessThanOrEqual(3);
    expect(await activeCount()).toBe(7 + accepted.length);
  }, 5);
});

test("two activations of the last place that both found it free leave at most ten factors", async () => {
  const { factor_id, secret } = (await createFactor(nest, tokens)).body;
  const codeNow = () => appCode(secret, nest.clock.now());
  for (const id of await copyPending(factor_id, 9))
    expect((await verifyFactor(nest, tokens, id, codeNow())).status).toBe(200);
  const [other = ""] = await copyPending(factor_id, 1);
  const { mfaFactors } = nest.gateway.core;
  const real = mfaFactors.activate.bind(mfaFactors);
  mfaFactors.activate = async (...asked) => {
    mfaFactors.activate = real;
    expect((await verifyFactor(nest, tokens, other, codeNow())).status).toBe(200);
    return real(...asked);
  };
  const refused = await verifyFactor(nest, tokens, factor_id, codeNow());
  expect([refused.status, refused.body.code]).toEqual([409, "too_many_factors"]);
  expect(await activeCount()).toBe(10);
});
