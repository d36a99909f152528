import type { Collection, Db, Filter, IndexDescription } from "mongodb";
import type { Page } from "#core/paging.ts";
import { CombinedReads } from "#core/repositories/combined_reads.ts";
import { insertAbsent } from "#core/repositories/insert_absent.ts";
import { OUTBOX_INDEX, type Outbox, pushed, type StoredEvent } from "#core/repositories/outbox.ts";
import type { PersonalData } from "#core/repositories/repository.ts";
import { isDuplicateKey } from "#core/services/mongo.ts";

/** A user's membership of an account. A user who is removed and added again has another one. */
export interface AccountMember extends Outbox {
  /** acctmem_<ksuid>. The membership that a user has from the start has the ksuid of the user. */
  _id: string;
  accountId: string;
  userId: string;
  /** The key of a built-in account role, or the id of a custom role. */
  role: string;
  status: "active" | "removed";
  createdAt: string;
  removedAt: string | null;
  /**
   * Whether the account added the user before the user's address was proved. Then the first proof by somebody else ends the
   * membership. Absent: no. Not in the published documents.
   */
  isProvisional?: true;
  /** Whether the user acted in the account by default when they were removed. Absent: no. Not in the published documents. */
  wasDefault?: true;
}

/** The end of a membership. */
export interface MemberRemoval {
  /** ISO. */
  at: string;
  events: readonly StoredEvent[];
  wasDefault: boolean;
}

/** Ids of custom roles are above the keys of built-in roles, so that an index has custom roles only. */
const OWN_ROLES = { $gt: "role_" };
const OLDEST_FIRST = { createdAt: 1, _id: 1 } as const;
/** The most owners among whom an owner is looked for who stays. */
const OWNERS_READ = 100;

const accountMemberIndexes: IndexDescription[] = [
  {
    key: { accountId: 1, userId: 1 },
    unique: true,
    partialFilterExpression: { removedAt: null },
  },
  { key: { userId: 1 } },
  { key: { accountId: 1, removedAt: 1, ...OLDEST_FIRST } },
  { key: { accountId: 1, role: 1, removedAt: 1 } },
  { key: { role: 1 }, partialFilterExpression: { role: OWN_ROLES } },
  OUTBOX_INDEX,
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

  /** Lists members of an account, the oldest first. @param after the last member of the page before */
  async listPage(accountId: string, { limit, after }: Page): Promise<AccountMember[]> {
    const find = (more: Filter<AccountMember>) =>
      this.#collection
        .find({ accountId, removedAt: null, ...more })
        .sort(OLDEST_FIRST)
        .limit(limit)
        .toArray();
    if (after === null) return find({});
    const { createdAt, _id } = after;
    const [sameTime, newer] = await Promise.all([
      find({ createdAt, _id: { $gt: _id } }),
      find({ createdAt: { $gt: createdAt } }),
    ]);
    return [...sameTime, ...newer].slice(0, limit);
  }

  /** Lists the members who have a role in an account, at most 100. @param exceptIds users who do not count */
  listHolders(accountId: string, role: string, exceptIds: readonly string[]): Promise<AccountMember[]> {
    return this.#collection
      .find({ accountId, role, removedAt: null, userId: { $nin: [...exceptIds] } })
      .limit(OWNERS_READ)
      .toArray();
  }

  /** Whether a member has a custom role. */
  async isHeld(role: string): Promise<boolean> {
    // The condition of the index is repeated (decision 28).
    const held = { role: { $eq: role, ...OWN_ROLES }, removedAt: null };
    return (await this.#collection.findOne(held, { projection: { _id: 1 } })) !== null;
  }

  /** Returns those of the accounts that have a member. */
  async listWithMembers(accountIds: readonly string[]): Promise<string[]> {
    return this.#collection.distinct("accountId", { accountId: { $in: [...accountIds] }, removedAt: null });
  }

  /** Inserts the memberships that do not exist. Safe to repeat and to race. */
  insertAbsent(members: readonly AccountMember[]): Promise<void> {
    return insertAbsent(this.#collection, members);
  }

  /** Adds a member. @returns false if the membership exists, or the user has another one of the account */
  async insert(member: AccountMember): Promise<boolean> {
    try {
      await this.#collection.insertOne(member);
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  /** Gives a member another role and records it. @returns null if the member was removed, or has another role meanwhile */
  changeRole(
    { _id, role: from }: Pick<AccountMember, "_id" | "role">,
    role: string,
    events: readonly StoredEvent[],
  ): Promise<AccountMember | null> {
    const { push, set } = pushed(events);
    return this.#collection.findOneAndUpdate(
      { _id, role: from, removedAt: null },
      { $set: { role, ...set }, $push: push },
      { returnDocument: "after" },
    );
  }

  /**
   * Ends a membership and records it. One of any simultaneous calls gets true.
   * @param role the role that was judged; absent: any
   * @returns false if it has ended, or the member has another role meanwhile
   */
  async remove(
    { _id, role }: Pick<AccountMember, "_id"> & Partial<Pick<AccountMember, "role">>,
    { at, events, wasDefault }: MemberRemoval,
  ): Promise<boolean> {
    const { push, set } = pushed(events);
    const ended = {
      status: "removed",
      removedAt: at,
      ...(wasDefault && { wasDefault: true as const }),
    } as const;
    const { modifiedCount } = await this.#collection.updateOne(
      { _id, removedAt: null, ...(role !== undefined && { role }) },
      { $set: { ...ended, ...set }, $push: push },
    );
    return modifiedCount === 1;
  }

  async delete(ids: readonly string[]): Promise<void> {
    await this.#collection.deleteMany({ _id: { $in: [...ids] } });
  }
}
