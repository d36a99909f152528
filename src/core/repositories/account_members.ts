import type { Collection, Db, IndexDescription } from "mongodb";
import { CombinedReads } from "#core/repositories/combined_reads.ts";
import { insertAbsent } from "#core/repositories/insert_absent.ts";
import type { PersonalData } from "#core/repositories/repository.ts";

/** What a member may do in an account, from the most to the least. */
export type AccountRole = "owner" | "admin" | "member";

/** A user's membership of an account. */
export interface AccountMember {
  /** acctmem_<ksuid>. The membership that a user has from the start has the ksuid of the user. */
  _id: string;
  accountId: string;
  userId: string;
  role: AccountRole;
  status: "active" | "removed";
  createdAt: string;
  removedAt: string | null;
}

const accountMemberIndexes: IndexDescription[] = [
  {
    key: { accountId: 1, userId: 1 },
    unique: true,
    partialFilterExpression: { removedAt: null },
  },
  { key: { userId: 1 } },
];

export class AccountMemberRepository {
  static readonly collectionName = "account_members";
  static readonly indexes = accountMemberIndexes;
  static readonly personalData: PersonalData<AccountMember> = {
    field: "userId",
    refersTo: "userIds",
    withheld: [],
  };
  readonly #collection: Collection<AccountMember>;
  readonly #reads: CombinedReads<AccountMember>;
  constructor(database: Db) {
    this.#collection = database.collection(AccountMemberRepository.collectionName);
    this.#reads = new CombinedReads(database, AccountMemberRepository.collectionName);
  }

  /** Lists all memberships of a user, removed memberships included. They have no order. */
  listByUser(userId: string): Promise<AccountMember[]> {
    return this.#reads.findAll({ userId });
  }

  /** Returns those of the accounts that have a member. */
  async listWithMembers(accountIds: readonly string[]): Promise<string[]> {
    return this.#collection.distinct("accountId", { accountId: { $in: [...accountIds] }, removedAt: null });
  }

  /** Inserts the memberships that do not exist. Safe to repeat and to race. */
  insertAbsent(members: readonly AccountMember[]): Promise<void> {
    return insertAbsent(this.#collection, members);
  }

  async delete(ids: readonly string[]): Promise<void> {
    await this.#collection.deleteMany({ _id: { $in: [...ids] } });
  }
}
