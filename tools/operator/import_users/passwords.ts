import type { Db } from "mongodb";
import { derivedIdOf } from "#core/ids.ts";
import { insertAbsent } from "#core/repositories/insert_absent.ts";
import { type Password, PasswordRepository } from "#core/repositories/passwords.ts";
import type { ImportedUser } from "#tools/operator/import_users/sources.ts";

/** Stores the passwords of imported users. A user who has a password keeps it, so an import can be repeated. */
export async function insertPasswords(
  database: Db,
  users: readonly ImportedUser[],
  now: Date,
): Promise<void> {
  const at = now.toISOString();
  const passwords = users.flatMap(({ userId, passwordHash: hash }): Password[] =>
    hash === null
      ? []
      : [
          {
            _id: derivedIdOf(userId, "password"),
            ...{ userId, hash, pepperId: null, setBy: "user", mustChange: false },
            ...{ failedCount: 0, createdAt: at, updatedAt: at },
          },
        ],
  );
  if (passwords.length === 0) return;
  await insertAbsent(database.collection<Password>(PasswordRepository.collectionName), passwords);
}

/** Says that the password of an imported user was left out. */
export function reportPassword(
  onProblem: (problem: { line: number; problem: string }) => void,
  line: number,
  reason: string | null,
): void {
  if (reason !== null)
    onProblem({ line, problem: `the password ${reason}; the user has no password in Nest` });
}
