import type { Collection, Document, Filter } from "mongodb";
import { type Password, PasswordRepository } from "#core/repositories/passwords.ts";
import type { User } from "#core/repositories/user_document.ts";

/** Whose identifier it is. */
export interface Owner {
  user: User | null;
  /** Null as well if it was not asked for. */
  password: Password | null;
}

const USERS = { from: "users", localField: "userId", foreignField: "_id", as: "users" };
const PASSWORDS = {
  from: PasswordRepository.collectionName,
  ...{ localField: "userId", foreignField: "userId", as: "passwords" },
};

/** Reads an identifier, its user and, if asked for, their password with one command. @returns null if there is no identifier */
export async function findWithOwner<Stored extends Document>(
  identifiers: Collection<Stored>,
  filter: Filter<Stored>,
  asked: { hasPassword: boolean },
): Promise<(Owner & { identifier: Stored }) | null> {
  const [found] = await identifiers
    .aggregate<{ identifier: Stored; users: User[]; passwords?: Password[] }>([
      { $match: filter },
      { $lookup: USERS },
      ...(asked.hasPassword ? [{ $lookup: PASSWORDS }] : []),
      { $project: { identifier: "$$ROOT", users: 1, passwords: 1 } },
      { $unset: ["identifier.users", "identifier.passwords"] },
    ])
    .toArray();
  if (!found) return null;
  const { identifier, users, passwords = [] } = found;
  return { identifier, user: users[0] ?? null, password: passwords[0] ?? null };
}
