import type { Collection, Db, IndexDescription } from "mongodb";
import type { Capability, RoleScope } from "#core/capabilities.ts";
import { CombinedReads } from "#core/repositories/combined_reads.ts";
import { carrying, OUTBOX_INDEX, type Outbox, pushed, type StoredEvent } from "#core/repositories/outbox.ts";
import { isDuplicateKey } from "#core/services/mongo.ts";

/** A role that an administrator defined. Users refer to it by id, so that a later role of the same key is another. */
export interface Role extends Outbox {
  /** role_<ksuid> */
  _id: string;
  scope: RoleScope;
  /** Unique within its scope: ASCII letters, digits and underscores. */
  key: string;
  name: string;
  /** 0 to 100. A caller grants and changes only roles up to their own level. */
  level: number;
  capabilities: Capability[];
  createdAt: string;
  updatedAt: string | null;
  deletedAt: string | null;
  /** How often it was granted. A deletion that read an earlier number must look again whether somebody has the role. */
  grants: number;
}

/** What an administrator chooses of a role. */
export type RoleContent = Pick<Role, "name" | "level" | "capabilities">;

/** A change of a role. */
export interface RoleChange {
  at: string;
  events: readonly StoredEvent[];
}

const roleIndexes: IndexDescription[] = [
  { key: { scope: 1, key: 1 }, unique: true, partialFilterExpression: { deletedAt: null } },
  { key: { scope: 1, key: 1, deletedAt: -1 } },
  OUTBOX_INDEX,
];

export class RoleRepository {
  static readonly collectionName = "roles";
  static readonly indexes = roleIndexes;
  static readonly personalData = null;
  readonly #collection: Collection<Role>;
  readonly #reads: CombinedReads<Role>;
  constructor(database: Db) {
    this.#collection = database.collection(RoleRepository.collectionName);
    this.#reads = new CombinedReads(database, RoleRepository.collectionName);
  }

  /** Lists the roles of a scope, the lowest level first. */
  async list(scope: RoleScope): Promise<Role[]> {
    const found = await this.#reads.findAll({ scope, deletedAt: null });
    return found.sort((one, other) => one.level - other.level || (one.key < other.key ? -1 : 1));
  }

  find(scope: RoleScope, key: string): Promise<Role | null> {
    return this.#reads.findOne({ scope, key, deletedAt: null });
  }

  /** @returns when the last role with this key was deleted, ISO; null if none was */
  async findDeletion(scope: RoleScope, key: string): Promise<string | null> {
    const query = { scope, key, deletedAt: { $ne: null } };
    const role = await this.#collection.findOne(query, { sort: { deletedAt: -1 } });
    return role?.deletedAt ?? null;
  }

  /** Creates a role and records it. One of any simultaneous calls with the same key gets true. */
  async insert(role: Omit<Role, keyof Outbox>, events: readonly StoredEvent[]): Promise<boolean> {
    try {
      await this.#collection.insertOne({ ...role, ...carrying(events) });
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  /**
   * Changes a role that has not changed since it was read, and records it.
   * @returns null if it was changed or deleted meanwhile
   */
  replace(read: Role, content: RoleContent, { at, events }: RoleChange): Promise<Role | null> {
    const { push, set } = pushed(events);
    const { _id, level, capabilities } = read;
    return this.#collection.findOneAndUpdate(
      { _id, deletedAt: null, level, capabilities: { $eq: capabilities } },
      { $set: { ...content, updatedAt: at, ...set }, $push: push },
      { returnDocument: "after" },
    );
  }

  /** Deletes a role that was not granted since it was read, and records it. @returns false if it was granted or deleted */
  async delete({ _id, grants }: Pick<Role, "_id" | "grants">, { at, events }: RoleChange): Promise<boolean> {
    const { push, set } = pushed(events);
    const result = await this.#collection.updateOne(
      { _id, deletedAt: null, grants },
      { $set: { deletedAt: at, updatedAt: at, ...set }, $push: push },
    );
    return result.modifiedCount === 1;
  }

  /** Records that roles were granted. @returns false if one of them was deleted meanwhile */
  async recordGrant(ids: readonly string[]): Promise<boolean> {
    if (ids.length === 0) return true;
    const result = await this.#collection.updateMany(
      { _id: { $in: [...ids] }, deletedAt: null },
      { $inc: { grants: 1 } },
    );
    return result.matchedCount === ids.length;
  }
}
