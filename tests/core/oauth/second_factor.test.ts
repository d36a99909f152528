import { afterAll, beforeAll, expect, test } from "vitest";
import { appCode, createFactor, enrol, presentFactor, verifyFactor } from "#tests/support/mfa.ts";
import { NATIVE, startNest, type TestNest } from "#tests/support/nest.ts";
import { newPerson, redeem, visit } from "#tests/support/oauth.ts";
import { V3 } from "#tests/support/plans.ts";

let nest: TestNest;
beforeAll(async () => {
  nest = await startNest();
});
afterAll(() => nest.stop());

const visitAs = (person: ReturnType<typeof newPerson>, provider = "google") =>
  visit(nest, person, {
    start: { client_id: NATIVE, redirect_uri: nest.gateway.core.app.urls.landing, provider },
  });
const signIn = async (person: ReturnType<typeof newPerson>, provider?: string) => {
  const { code } = await visitAs(person, provider);
  return () => redeem(nest, code, { client_id: NATIVE, redirect_uri: nest.gateway.core.app.urls.landing });
};

test("WP3.7: a sign-in with an account at a provider gets mfa_required if its user has a factor, and keeps fed in amr", async () => {
  const person = newPerson();
  const { seed, factorId } = await enrol(nest, String(person.email));
  const sessions = await nest.collection("sessions").countDocuments();
  const redeemIt = await signIn(person);
  const refused = await redeemIt();
  expect([refused.status, refused.body.code]).toEqual([403, "mfa_required"]);
  expect(refused.raw).not.toContain("access_token");
  expect(await nest.collection("sessions").countDocuments()).toBe(sessions);
  nest.clock.advance(31);
  const proof = { factor_id: factorId, code: appCode(seed, nest.clock.now()) };
  const tokens = await presentFactor(nest, refused.body.meta.mfa_token, proof);
  expect(tokens.status).toBe(200);
  const claims = JSON.parse(String(Buffer.from(tokens.body.access_token.split(".")[1], "base64url")));
  expect(claims.amr).toEqual(["fed", "otp", "mfa"]);
});

test("WP3.7: a user without an address presents the second factor too", async () => {
  const person = newPerson();
  const first = (await (await signIn(person, "microsoft"))()).body;
  const created = await createFactor(nest, first, { factor_type: "totp" });
  expect([created.status, created.raw]).toEqual([200, expect.any(String)]);
  const seed = created.body.secret;
  const factor_id = created.body.factor_id;
  const verified = await verifyFactor(nest, first, factor_id, appCode(seed, nest.clock.now(), -1));
  expect(verified.status).toBe(200);
  const refused = await (await signIn(person, "microsoft"))();
  expect(refused.body.code).toBe("mfa_required");
  nest.clock.advance(31);
  const proof = { factor_id, code: appCode(seed, nest.clock.now()) };
  const tokens = await presentFactor(nest, refused.body.meta.mfa_token, proof);
  expect([tokens.status, tokens.body.user_id]).toEqual([200, first.user_id]);
  expect((await nest.call(`${V3}get_user`, {}, { bearer: tokens.body.access_token })).status).toBe(200);
});
