import type { Collection, Filter } from "mongodb";
import { pushed, type StoredEvent } from "#core/repositories/outbox.ts";
import { UserCreation } from "#core/repositories/user_creation.ts";
import type { User } from "#core/repositories/user_document.ts";

/** The new roles of a user. */
export interface RolesChange {
  /** The roles that were read when the change was decided. */
  from: readonly string[];
  to: readonly string[];
  at: string;
  events: readonly StoredEvent[];
}

/** A condition on the stored roles. Without roles, the field is absent, or empty after `pullRoles`. */
const rolesAre = (roles: readonly string[]): Filter<User> =>
  roles.length === 0 ? { roles: { $in: [null, []] as never[] } } : { roles: { $eq: [...roles] } };

/** The reads and writes of administrators. Part of the repository of users. */
export class UserAdministration extends UserCreation {
  readonly #collection: Collection<User>;
  constructor(users: Collection<User>) {
    super(users);
    this.#collection = users;
  }

  /**
   * Changes the roles of a user whose roles are as they were read, and records it.
   * @returns the user; null if another call changed the roles, or the user is gone
   */
  changeRoles(id: string, { from, to, at, events }: RolesChange): Promise<User | null> {
    const { push, set } = pushed(events);
    return this.#collection.findOneAndUpdate(
      { _id: id, ...rolesAre(from) },
      {
        $set: { ...(to.length > 0 && { roles: [...to] }), updatedAt: at, ...set },
        ...(to.length === 0 && { $unset: { roles: "" } }),
        $push: push,
      },
      { returnDocument: "after" },
    );
  }

  /** Takes roles from a user. Only for roles that were deleted while they were granted. */
  async pullRoles(id: string, roles: readonly string[]): Promise<void> {
    await this.#collection.updateOne({ _id: id }, { $pullAll: { roles: [...roles] } });
  }

  /** Returns the id of a user who has a platform role, or null. @param exceptIds users who do not count */
  async findHolder(role: string, exceptIds: readonly string[] = []): Promise<string | null> {
    const found = await this.#collection.findOne(
      { roles: { $exists: true, $eq: role }, _id: { $nin: [...exceptIds] } },
      { projection: { _id: 1 } },
    );
    return found?._id ?? null;
  }
}
