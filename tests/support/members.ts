import type { Reply, TestNest, Tokens } from "#tests/support/nest.ts";
import { givePassword, P1, signInWith } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";

/** A signed-in user with a verified address, who owns an account. */
export interface Owner extends Tokens {
  address: string;
  account_id: string;
}

let people = 0;
/** An address that no other call uses. */
export const newAddress = (name = "person"): string => `${name}-${++people}@example.com`;

/** Creates a user who owns an account, and signs them in with a password, which takes less than a link. */
export async function newOwner(nest: TestNest, { isVerified = true } = {}): Promise<Owner> {
  const address = newAddress("owner");
  await givePassword(nest, address, P1, { isVerified });
  const { status, raw, body } = await signInWith(nest, address);
  if (status !== 200) throw new Error(`authenticate_user answered ${status} ${raw}`);
  return { ...body, address, account_id: body.user_id.replace("user_", "account_") };
}

/** Calls a method of 2026-12-01 as a user. */
export const as = (
  nest: TestNest,
  { access_token: bearer }: Pick<Tokens, "access_token">,
  method: string,
  body: object = {},
): Promise<Reply> => nest.call(`${V3}${method}`, body, { bearer });

/** The parameters that add a new user. */
export const userToAdd = () => ({
  ...{ identifier_type: "email", identifier_value: newAddress("added"), password: P1 },
});

/** Adds a user with a password to the account of an owner. @param change other parameters */
export const addUser = (nest: TestNest, owner: Owner, change: object = {}): Promise<Reply> =>
  as(nest, owner, "add_account_user", { ...userToAdd(), ...change });

/** Adds a user to the account of an owner, and signs them in. */
export async function newMember(nest: TestNest, owner: Owner, role_key = "member"): Promise<Owner> {
  const address = newAddress(role_key);
  const added = await addUser(nest, owner, { identifier_value: address, role_key });
  if (added.status !== 200) throw new Error(`add_account_user answered ${added.status} ${added.raw}`);
  const { body } = await signInWith(nest, address);
  return { ...body, address, account_id: owner.account_id };
}
