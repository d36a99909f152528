import type { Collection, Db, IndexDescription } from "mongodb";
import {
  type CountedGroup,
  type CountedWindow,
  countPipeline,
  releasePipeline,
} from "#core/repositories/window_pipeline.ts";
import { isDuplicateKey } from "#core/services/mongo.ts";

/** The calls that one limit counted since its window began. */
export interface LimitWindow {
  /** The limit's name. An HMAC if the document has several windows of the limit, such as one for each network. */
  id: string;
  count: number;
  /** When the window ends. Its count is dropped then. */
  endsAt: Date;
  /** Until when a full window with pauses counts no call. Absent from other windows. */
  pausedUntil?: Date;
}

/** The windows of one subject, such as a mailbox or a network. One update counts a call in all of them. */
export interface LimitWindows {
  /** An HMAC of the subject. No address and no network is stored. */
  key: string;
  windows: LimitWindow[];
  /** Ids of the windows that counted the last call. The update returns them, so its caller knows whether it was allowed. */
  lastCounted: string[];
  /** The end of the last window. A BSON date, because a TTL index ignores strings. */
  purgeAt: Date;
}

const limitWindowsIndexes: (IndexDescription & { key: { [Field in keyof LimitWindows]?: 1 } })[] = [
  { key: { key: 1 }, unique: true },
  { key: { purgeAt: 1 }, expireAfterSeconds: 0 },
];

/** A concurrent call can insert the document first, and the TTL index can delete it before the retry. */
const ATTEMPTS = 3;

export class LimitWindowsRepository {
  static readonly collectionName = "limit-windows";
  static readonly indexes = limitWindowsIndexes;
  /** A key is an HMAC, so no document belongs to a person. */
  static readonly personalData = null;
  /** After a load, counting starts again. */
  static readonly isDumped = false;
  readonly #collection: Collection<LimitWindows>;
  constructor(database: Db) {
    this.#collection = database.collection(LimitWindowsRepository.collectionName);
  }

  find(key: string): Promise<LimitWindows | null> {
    return this.#collection.findOne({ key });
  }

  /**
   * Counts a call in the windows of a subject, with one command. The upsert uses the unique `key` and not `_id`: of two
   * concurrent upserts of a new `key`, one fails with a duplicate key error and is retried. With `_id`, both can return
   * the same count on FerretDB (decision 7).
   * @param weight how much the call adds to a count
   * @returns the document after this call
   * @throws Error if the database returns no document
   */
  async count(
    key: string,
    groups: readonly CountedGroup[],
    { now, weight }: { now: Date; weight: number },
  ): Promise<LimitWindows> {
    const pipeline = countPipeline(groups, now, weight);
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      try {
        const counted = await this.#collection.findOneAndUpdate({ key }, pipeline, {
          upsert: true,
          returnDocument: "after",
        });
        if (counted) return counted;
      } catch (error) {
        if (attempt === ATTEMPTS || !isDuplicateKey(error)) throw error;
      }
    }
    throw new Error("the database returned no document of an upsert");
  }

  /** Subtracts the weight of a call from the windows that counted it and have not ended since. */
  async release(key: string, counted: readonly CountedWindow[], weight: number): Promise<void> {
    await this.#collection.updateOne({ key }, releasePipeline(counted, weight));
  }

  /** Removes windows of a subject, so that their counts begin again. */
  async reset(key: string, ids: readonly string[]): Promise<void> {
    await this.#collection.updateOne({ key }, { $pull: { windows: { id: { $in: [...ids] } } } });
  }
}
