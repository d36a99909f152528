import { afterEach, beforeEach, expect, test } from "vitest";
import app from "#app";
import type { App } from "#core/app/app.ts";
import { atOnce, rounds } from "#tests/support/concurrency.ts";
import { appCode, createFactor, presentFactor, verifyFactor } from "#tests/support/mfa.ts";
import { NATIVE, type Reply, startNest, type TestNest, type Tokens } from "#tests/support/nest.ts";
import { givePassword, signInWith } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";
import { withSampleClients } from "#tools/local/sample_clients.ts";

let nest: TestNest;
beforeEach(async () => {
  const samples = withSampleClients(app);
  const required = { policy: "required", factors: ["totp"] } as const;
  const changed: App = {
    ...samples,
    clients: samples.clients.map((client) =>
      client.id === NATIVE ? { ...client, mfa: { ...required, factors: [...required.factors] } } : client,
    ),
  };
  nest = await startNest({ app: changed });
});
afterEach(() => nest.stop());

const remove = ({ access_token: bearer }: Tokens, factor_id: string): Promise<Reply> =>
  nest.call(`${V3}remove_mfa_factor`, { factor_id }, { bearer });
const activeOf = ({ user_id: userId }: Tokens) =>
  nest.collection("mfa_factors").find({ userId, status: "active" }).toArray();

/** Signs in a user who has several authenticator apps, with one of them. */
async function withApps(address: string, count: number): Promise<{ tokens: Tokens; ids: string[] }> {
  await givePassword(nest, address);
  const { mfa_token } = (await signInWith(nest, address)).body.meta;
  const asked = { factor_type: "totp", confirm: true, mfa_token };
  const first = (await nest.call(`${V3}create_mfa_factor`, asked)).body;
  const codeOf = (secret: string, steps: number) => appCode(secret, nest.clock.now(), steps);
  const proof = { factor_id: first.factor_id, code: codeOf(first.secret, -1), mfa_token };
  expect((await nest.call(`${V3}verify_mfa_factor`, proof)).status).toBe(200);
  const challenge = (await signInWith(nest, address)).body.meta.mfa_token;
  const presented = { factor_id: first.factor_id, code: codeOf(first.secret, 0) };
  const tokens: Tokens = (await presentFactor(nest, challenge, presented)).body;
  const ids = [String(first.factor_id)];
  while (ids.length < count) {
    const { factor_id, secret } = (await createFactor(nest, tokens)).body;
    expect((await verifyFactor(nest, tokens, factor_id, codeOf(secret, 0))).status).toBe(200);
    ids.push(String(factor_id));
  }
  return { tokens, ids };
}

test("one of several factors that are removed at once stays if a policy requires a factor", async () => {
  await rounds(async (round) => {
    const { tokens, ids } = await withApps(`many-${round}@example.com`, 4);
    const replies = await atOnce((caller) => remove(tokens, ids[caller % 4] ?? ""), 12);
    for (const { status, body } of replies) expect([200, 403], JSON.stringify(body)).toContain(status);
    const refused = replies.filter(({ status }) => status !== 200).map(({ body }) => body.code);
    expect(new Set(refused)).toEqual(new Set(["mfa_required_by_policy"]));
    expect(await activeOf(tokens)).toHaveLength(1);
  }, 4);
});

test("a removal sees another one that was allowed and has not removed its factor yet", async () => {
  const { tokens, ids } = await withApps("two@example.com", 2);
  const [one = "", other = ""] = ids;
  const { mfaFactors } = nest.gateway.core;
  const real = mfaFactors.remove.bind(mfaFactors);
  let between: Reply | undefined;
  mfaFactors.remove = async (...asked) => {
    mfaFactors.remove = real;
    between = await remove(tokens, other);
    return real(...asked);
  };
  expect((await remove(tokens, one)).status).toBe(200);
  expect([between?.status, between?.body.code]).toEqual([403, "mfa_required_by_policy"]);
  expect(await activeOf(tokens)).toMatchObject([{ _id: other }]);
});

test("a removal that read the factors before another one was allowed decides again", async () => {
  const { tokens, ids } = await withApps("read@example.com", 2);
  const [one = "", other = ""] = ids;
  const { recoveryCodes } = nest.gateway.core;
  const real = recoveryCodes.findByUser.bind(recoveryCodes);
  recoveryCodes.findByUser = async (userId) => {
    recoveryCodes.findByUser = real;
    const codes = await real(userId);
    expect((await remove(tokens, other)).status).toBe(200);
    return codes;
  };
  const { status, body } = await remove(tokens, one);
  expect([status, body.code]).toEqual([403, "mfa_required_by_policy"]);
  expect(await activeOf(tokens)).toMatchObject([{ _id: one }]);
});

test("a removal that stopped after it was allowed can be completed, and the other factor stays", async () => {
  const { tokens, ids } = await withApps("halfway@example.com", 2);
  const [one = "", other = ""] = ids;
  const { mfaFactors } = nest.gateway.core;
  const real = mfaFactors.remove.bind(mfaFactors);
  mfaFactors.remove = async () => {
    mfaFactors.remove = real;
    throw new Error("the process stopped");
  };
  expect((await remove(tokens, one)).status).toBe(500);
  expect((await remove(tokens, other)).body.code).toBe("mfa_required_by_policy");
  expect((await remove(tokens, one)).status).toBe(200);
  expect(await activeOf(tokens)).toMatchObject([{ _id: other }]);
});

test("adding and removing factors many times does not make the user document grow", async () => {
  const { tokens } = await withApps("again@example.com", 1);
  for (let round = 0; round < 3; round++) {
    const { factor_id, secret } = (await createFactor(nest, tokens)).body;
    await verifyFactor(nest, tokens, factor_id, appCode(secret, nest.clock.now()));
    expect((await remove(tokens, factor_id)).status).toBe(200);
    nest.clock.advance(61);
  }
  const user = await nest.collection("users").findOne({ _id: tokens.user_id as never });
  expect(user?.removedIdentifierIds).toHaveLength(1);
});
