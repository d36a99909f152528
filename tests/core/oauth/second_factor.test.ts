import { afterAll, beforeAll, expect, test } from "vitest";
import { digitsIn } from "#tests/support/codes.ts";
import { appCode, createFactor, enrol, presentFactor, verifyFactor } from "#tests/support/mfa.ts";
import { NATIVE, startNest, type TestNest, type Tokens } from "#tests/support/nest.ts";
import { linkAccount, newPerson, redeem, visit } from "#tests/support/oauth.ts";
import { givePassword, signInWith } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";

let nest: TestNest;
beforeAll(async () => {
  nest = await startNest();
});
afterAll(() => nest.stop());

const identitiesOf = (userId: string) => nest.collection("oauth_identities").countDocuments({ userId });
/** Adds an authenticator app to a user who is signed in. */
async function addApp(tokens: Tokens): Promise<{ seed: string; factorId: string }> {
  const { body } = await createFactor(nest, tokens, { factor_type: "totp" });
  const { factor_id: factorId, secret: seed } = body;
  const verified = await verifyFactor(nest, tokens, factorId, appCode(seed, nest.clock.now(), -1));
  expect(verified.status).toBe(200);
  return { seed, factorId };
}
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
  await givePassword(nest, String(person.email));
  const { body: tokensOfOwner } = await signInWith(nest, String(person.email));
  const client = { client_id: NATIVE, redirect_uri: nest.gateway.core.app.urls.landing };
  await linkAccount(nest, tokensOfOwner.access_token, person, client);
  const { seed, factorId } = await addApp(tokensOfOwner);
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
  const { seed, factorId: factor_id } = await addApp(first);
  const refused = await (await signIn(person, "microsoft"))();
  expect(refused.body.code).toBe("mfa_required");
  nest.clock.advance(31);
  const proof = { factor_id, code: appCode(seed, nest.clock.now()) };
  const tokens = await presentFactor(nest, refused.body.meta.mfa_token, proof);
  expect([tokens.status, tokens.body.user_id]).toEqual([200, first.user_id]);
  expect((await nest.call(`${V3}get_user`, {}, { bearer: tokens.body.access_token })).status).toBe(200);
});

test("the second step of a sign-in is refused once the account that was its first factor is unlinked", async () => {
  const person = newPerson();
  const address = `owner.${person.email}`;
  const ada = await enrol(nest, address);
  nest.clock.advance(31);
  const { body: first } = await signInWith(nest, address);
  const factor = { factor_id: ada.factorId };
  const shown = { ...factor, code: appCode(ada.seed, nest.clock.now()) };
  const bearer = (await presentFactor(nest, first.meta.mfa_token, shown)).body.access_token;
  const client = { client_id: NATIVE, redirect_uri: nest.gateway.core.app.urls.landing };
  const oauth_identity_id = await linkAccount(nest, bearer, person, client);
  const { mfa_token } = (await (await signIn(person))()).body.meta;
  expect((await nest.call(`${V3}unlink_oauth`, { oauth_identity_id }, { bearer })).status).toBe(200);
  nest.clock.advance(31);
  const late = { ...factor, code: appCode(ada.seed, nest.clock.now()) };
  const refused = await presentFactor(nest, mfa_token, late);
  expect([refused.status, refused.body.code]).toEqual([401, "mfa_token_expired"]);
  const again = await presentFactor(nest, (await signInWith(nest, address)).body.meta.mfa_token, late);
  expect(again.status).toBe(200);
});

// Somebody who holds the mailbox of a user makes an account at a provider with the same address.
test("an account at a provider does not join a user with a second factor, and stays out after the user replaced the address", async () => {
  const thief = newPerson();
  const address = String(thief.email);
  const ada = await enrol(nest, address);
  const refused = await visitAs(thief);
  expect([refused.error, refused.code]).toEqual(["account_exists", null]);
  expect(await identitiesOf(ada.userId)).toBe(0);
  nest.clock.advance(31);
  const { body: first } = await signInWith(nest, address);
  const factor = { factor_id: ada.factorId };
  const shown = { ...factor, code: appCode(ada.seed, nest.clock.now()) };
  const bearer = (await presentFactor(nest, first.meta.mfa_token, shown)).body.access_token;
  const moved = `moved.${address}`;
  const email = { client_id: NATIVE, identifier_type: "email", identifier_value: moved };
  const { body } = await nest.call(`${V3}send_verification`, email, { bearer });
  const proof = { client_id: NATIVE, nonce: body.nonce, code: digitsIn(nest.lastMail(moved).text) };
  expect((await nest.call(`${V3}verify_identifier`, proof, { bearer })).status).toBe(200);
  const { identifiers } = (await nest.call(`${V3}get_user`, {}, { bearer })).body;
  const old = identifiers.find((one: { identifier_value: string }) => one.identifier_value === address);
  expect((await nest.call(`${V3}remove_identifier`, { identifier_id: old.id }, { bearer })).status).toBe(200);
  expect((await nest.call(`${V3}remove_mfa_factor`, factor, { bearer })).status).toBe(200);
  const later = await (await signIn(thief))();
  expect([later.status, later.body.user_created]).toEqual([200, true]);
  expect(later.body.user_id).not.toBe(ada.userId);
});

test("a code of a visit joins nobody who has added a second factor since the provider answered", async () => {
  const person = newPerson();
  const userId = await givePassword(nest, String(person.email));
  const { body: tokens } = await signInWith(nest, String(person.email));
  const redeemIt = await signIn(person);
  await addApp(tokens);
  const refused = await redeemIt();
  expect([refused.status, refused.body.code]).toEqual([400, "authorization_not_found"]);
  expect(await identitiesOf(userId)).toBe(0);
});
