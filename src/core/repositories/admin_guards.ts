import type { Collection, Db, IndexDescription } from "mongodb";
import { type Leaving, settledBy } from "#core/repositories/leaving.ts";
import { isDuplicateKey } from "#core/services/mongo.ts";

/** One document: which administrators must not be counted as staying, because a change takes the role from them. */
export interface AdminGuard {
  /** Always `admins`. */
  _id: string;
  /** Raised by each decision, so that of simultaneous decisions only one is stored. */
  version: number;
  leaving: Leaving[];
}

const ID = "admins";
const NOBODY: AdminGuard = { _id: ID, version: 0, leaving: [] };

const adminGuardIndexes: IndexDescription[] = [];

/** Decides between administrators who remove each other at once. */
export class AdminGuardRepository {
  static readonly collectionName = "admin_guards";
  static readonly indexes = adminGuardIndexes;
  static readonly personalData = null;
  /** It holds nothing that outlasts a call. */
  static readonly isDumped = false;
  readonly #collection: Collection<AdminGuard>;
  constructor(database: Db) {
    this.#collection = database.collection(AdminGuardRepository.collectionName);
  }

  async read(): Promise<AdminGuard> {
    return (await this.#collection.findOne({ _id: ID })) ?? NOBODY;
  }

  /** Stores who is leaving, if nobody stored a decision since `version` was read. One of simultaneous calls gets true. */
  async decide(version: number, leaving: Leaving): Promise<boolean> {
    try {
      const result = await this.#collection.updateOne(
        { _id: ID, version },
        { $set: { version: version + 1 }, $push: { leaving } },
        { upsert: version === 0 },
      );
      return result.matchedCount + result.upsertedCount === 1;
    } catch (error) {
      // Another call stored the first decision.
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  /**
   * Forgets a change that was made, or was not made after all.
   * @param until ISO. Changes that began until then are forgotten too: their calls have ended
   */
  async settle(changeId: string, until: string): Promise<void> {
    await this.#collection.updateOne({ _id: ID }, { $pull: { leaving: settledBy(changeId, until) } });
  }
}
