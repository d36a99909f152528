import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestNest } from "#tests/support/nest.ts";
import { newPerson, redeem, startWithProviders, visit } from "#tests/support/oauth.ts";
import type { OAuthPerson } from "#tools/local/oauth_double.ts";

let nest: TestNest;
beforeAll(async () => {
  nest = await startWithProviders();
});
afterAll(() => nest.stop());

const signIn = async (person: OAuthPerson) => {
  const { code } = await visit(nest, person);
  const { status, body } = await redeem(nest, code);
  expect(status).toBe(200);
  return body.user_id as string;
};
const addressesOf = (userId: string) => nest.collection("identifiers").find({ userId }).toArray();

test("a visit does not add an address again that the user removed after the sign-up", async () => {
  const person = newPerson({ email: "removed@gmail.com" });
  const userId = await signIn(person);
  const removedAt = nest.clock.now().toISOString();
  await nest.collection("identifiers").updateOne({ userId }, { $set: { removedAt } });
  expect(await signIn(person)).toBe(userId);
  expect(await addressesOf(userId)).toMatchObject([{ removedAt }]);
});

test("a visit does not add an address that the provider had not verified at the sign-up", async () => {
  const person = newPerson({ email: "later@gmail.com", email_verified: false });
  const userId = await signIn(person);
  expect(await signIn({ ...person, email_verified: true })).toBe(userId);
  expect(await addressesOf(userId)).toEqual([]);
});

test("a visit leaves an address to the user who claimed it after a sign-up that stopped", async () => {
  const person = newPerson({ email: "claimed@gmail.com" });
  const userId = await signIn(person);
  // What a sign-up leaves that stopped before it stored the address.
  await nest.collection("identifiers").deleteMany({ userId });
  const { user_id: claimer } = await nest.signIn("claimed@gmail.com");
  expect(await signIn(person)).toBe(userId);
  expect(await addressesOf(userId)).toEqual([]);
  expect(await addressesOf(claimer)).toMatchObject([{ identifierValue: "claimed@gmail.com" }]);
});
