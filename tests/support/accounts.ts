import type { Db } from "mongodb";
import { expect } from "vitest";

interface Stored {
  _id: string;
  [field: string]: unknown;
}

/**
 * Checks that every user owns exactly one account, with the ksuid of the user, and that nobody else has an account.
 * @returns the number of users
 */
export async function expectOneAccountEach(database: Db): Promise<number> {
  const list = (name: string) => database.collection<Stored>(name).find().sort({ _id: 1 }).toArray();
  const [users, accounts, members] = await Promise.all(["users", "accounts", "account_members"].map(list));
  const ksuids = users?.map(({ _id }) => _id.slice("user_".length)) ?? [];
  expect(users?.map(({ defaultAccountId }) => defaultAccountId)).toEqual(ksuids.map((id) => `account_${id}`));
  expect(accounts).toEqual(
    ksuids.map((id) => ({
      _id: `account_${id}`,
      name: null,
      createdAt: expect.any(String),
      updatedAt: null,
      deletedAt: null,
    })),
  );
  expect(members).toEqual(
    ksuids.map((id) => ({
      _id: `acctmem_${id}`,
      accountId: `account_${id}`,
      userId: `user_${id}`,
      role: "owner",
      status: "active",
      createdAt: expect.any(String),
      removedAt: null,
    })),
  );
  return ksuids.length;
}
