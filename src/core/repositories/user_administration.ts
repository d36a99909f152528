import type { Collection, Filter, IndexDescription } from "mongodb";
import { pushed, type StoredEvent } from "#core/repositories/outbox.ts";
import { UserCreation } from "#core/repositories/user_creation.ts";
import type { User } from "#core/repositories/user_document.ts";

/** When a change is made, and its events. */
export interface RecordedChange {
  /** ISO. */
  at: string;
  events: readonly StoredEvent[];
}

/** The most holders of a role among whom one is looked for who can sign in. */
const HOLDERS_READ = 100;

/** Finds deleted users with whom the job goes on. */
export const ERASURE_INDEX: IndexDescription = {
  key: { eraseAt: 1 },
  partialFilterExpression: { eraseAt: { $exists: true } },
};

/** The new roles of a user. */
export interface RolesChange extends RecordedChange {
  /** The roles that were read when the change was decided. */
  from: readonly string[];
  to: readonly string[];
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

  /** Changes the profile of a user who was not deleted, and records it. A field that is null is removed. */
  async changeProfile(
    id: string,
    fields: Partial<Record<"name" | "locale" | "metadata", unknown>>,
    { at, events }: RecordedChange,
  ): Promise<void> {
    const { push, set } = pushed(events);
    const entries = Object.entries(fields);
    const removed = entries.filter(([, value]) => value === null).map(([name]) => [name, ""]);
    await this.#collection.updateOne(
      { _id: id, status: { $ne: "deleted" } },
      {
        $set: { ...Object.fromEntries(entries.filter(([, value]) => value !== null)), updatedAt: at, ...set },
        ...(removed.length > 0 && { $unset: Object.fromEntries(removed) }),
        $push: push,
      },
    );
  }

  /**
   * Disables an active user whose roles are as they were read, and records it. One of any simultaneous calls gets true.
   * @param roles as they were read: whether the user is an administrator decided how they are disabled
   */
  async disable(id: string, roles: readonly string[], { at, events }: RecordedChange): Promise<boolean> {
    const { push, set } = pushed(events);
    const result = await this.#collection.updateOne(
      { _id: id, status: { $exists: false }, ...rolesAre(roles) },
      { $set: { status: "disabled", disabledAt: at, updatedAt: at, ...set }, $push: push },
    );
    return result.modifiedCount === 1;
  }

  /** Makes a disabled user active, and records it. */
  async enable(id: string, { at, events }: RecordedChange): Promise<void> {
    const { push, set } = pushed(events);
    await this.#collection.updateOne(
      { _id: id, status: "disabled" },
      { $unset: { status: "", disabledAt: "" }, $set: { updatedAt: at, ...set }, $push: push },
    );
  }

  /**
   * Deletes a user whose roles are as they were read, and records it. One of any simultaneous calls gets true. The roles are taken,
   * so that nobody counts as their holder.
   * @param eraseAt when the job completes the deletion if this call does not, ISO
   */
  async markDeleted(
    id: string,
    roles: readonly string[],
    { at, eraseAt, events }: RecordedChange & { eraseAt: string },
  ): Promise<boolean> {
    const { push, set } = pushed(events);
    const deleted = { status: "deleted", deletedAt: at, eraseAt, updatedAt: at } as const;
    const result = await this.#collection.updateOne(
      { _id: id, status: { $ne: "deleted" }, ...rolesAre(roles) },
      { $set: { ...deleted, ...set }, $unset: { roles: "", disabledAt: "" }, $push: push },
    );
    return result.modifiedCount === 1;
  }

  /** Lists deleted users with whom the job goes on, the longest due first. */
  listErasable(now: string, limit: number): Promise<User[]> {
    return this.#collection
      .find({ eraseAt: { $exists: true, $lte: now } })
      .sort({ eraseAt: 1 })
      .limit(limit)
      .toArray();
  }

  /** Moves the time on at which the job goes on with a user. One of any simultaneous runs gets true. @param eraseAt as it was read */
  async leaseErasure(id: string, eraseAt: string, next: string): Promise<boolean> {
    const result = await this.#collection.updateOne({ _id: id, eraseAt }, { $set: { eraseAt: next } });
    return result.modifiedCount === 1;
  }

  /** Records that a deletion is complete. @param eraseAt when the job erases the user, ISO */
  async completeDeletion(id: string, eraseAt: string): Promise<void> {
    await this.#collection.updateOne({ _id: id, status: "deleted" }, { $set: { eraseAt } });
  }

  /** Takes roles from a user. Only for roles that were deleted while they were granted. */
  async pullRoles(id: string, roles: readonly string[]): Promise<void> {
    await this.#collection.updateOne({ _id: id }, { $pullAll: { roles: [...roles] } });
  }

  /** Lists the ids of active users who have a platform role, at most 100. @param exceptIds users who do not count */
  async listActiveHolders(role: string, exceptIds: readonly string[]): Promise<string[]> {
    const found = await this.#collection
      .find(
        { roles: { $exists: true, $eq: role }, status: { $exists: false }, _id: { $nin: [...exceptIds] } },
        { projection: { _id: 1 } },
      )
      .limit(HOLDERS_READ)
      .toArray();
    return found.map(({ _id }) => _id);
  }

  /** Whether a user has a platform role, disabled users included. */
  async isHeld(role: string): Promise<boolean> {
    const held = { roles: { $exists: true, $eq: role } };
    return (await this.#collection.findOne(held, { projection: { _id: 1 } })) !== null;
  }
}
