import type { Collection, Filter, IndexDescription } from "mongodb";
import type { Page } from "#core/paging.ts";
import { UserAdministration } from "#core/repositories/user_administration.ts";
import type { User } from "#core/repositories/user_document.ts";

/** Which users a list has. */
export interface UserFilter {
  status?: "active" | "disabled" | "deleted";
  /** As `roles` of a user refers to it. */
  role?: string;
  /** ISO. */
  createdAfter?: string;
}

const NEWEST_FIRST = { createdAt: -1, _id: -1 } as const;
const HAS_ROLES = { roles: { $exists: true } };

/** One index for each combination of equalities, so that a page reads its own documents only. */
export const USER_LIST_INDEXES: IndexDescription[] = [
  { key: NEWEST_FIRST },
  { key: { status: 1, ...NEWEST_FIRST } },
  { key: { roles: 1, ...NEWEST_FIRST }, partialFilterExpression: HAS_ROLES },
  { key: { roles: 1, status: 1, ...NEWEST_FIRST }, partialFilterExpression: HAS_ROLES },
];

const equalities = ({ status, role }: UserFilter): Filter<User> => ({
  ...(role !== undefined && { roles: { $exists: true, $eq: role } }),
  // An active user has no status.
  ...(status !== undefined && { status: status === "active" ? (null as never) : status }),
});

/** The lists of administrators. Part of the repository of users. */
export class UserLists extends UserAdministration {
  readonly #collection: Collection<User>;
  constructor(users: Collection<User>) {
    super(users);
    this.#collection = users;
  }

  /**
   * Lists users, the newest first. Users of the same time as the last one of the page before are a query of their own, so that
   * both read an index from where the page starts, however many users share a time.
   */
  async listPage(filter: UserFilter, { limit, after }: Page): Promise<User[]> {
    const equal = equalities(filter);
    const since = filter.createdAfter === undefined ? {} : { $gt: filter.createdAfter };
    const find = (more: Filter<User>) =>
      this.#collection
        .find({ ...equal, ...more })
        .sort(NEWEST_FIRST)
        .limit(limit)
        .toArray();
    if (after === null) return find(filter.createdAfter === undefined ? {} : { createdAt: since });
    const { createdAt, _id } = after;
    const [sameTime, older] = await Promise.all([
      find({ createdAt, _id: { $lt: _id } }),
      find({ createdAt: { $lt: createdAt, ...since } }),
    ]);
    return [...sameTime, ...older].slice(0, limit);
  }

  /** Reads users by id. They have no order. */
  listByIds(ids: readonly string[]): Promise<User[]> {
    return this.#collection.find({ _id: { $in: [...ids] } }).toArray();
  }
}
