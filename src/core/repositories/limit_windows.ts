import type { Collection, Db, IndexDescription } from "mongodb";
import { type CountedGroup, countPipeline, releasePipeline } from "#core/repositories/window_pipeline.ts";
import { isDuplicateKey } from "#core/services/mongo.ts";

/** The calls that one limit counted since its window began. */
export interface LimitWindow {
  /** The limit's name; or, for one of many windows of a limit in this document, an HMAC. */
  id: string;
  count: number;
  /** When the window ends, and its count with it. */
  endsAt: Date;
}

/** The windows of the limits of one subject, such as a mailbox or a network. One update counts a call in all of them. */
export interface LimitWindows {
  /** HMAC of the subject; no address and no network is stored. */
  key: string;
  windows: LimitWindow[];
  /** The windows in which the last call was counted. The caller reads from it whether its call was allowed. */
  lastCounted: string[];
  /** The end of the last window. A BSON date, because a TTL index ignores strings. */
  purgeAt: Date;
}

const limitWindowsIndexes: (IndexDescription & { key: { [Field in keyof LimitWindows]?: 1 } })[] = [
  { key: { key: 1 }, unique: true },
  { key: { purgeAt: 1 }, expireAfterSeconds: 0 },
];

/** A concurrent call may insert the document first, and the TTL index may remove it then. */
const ATTEMPTS = 3;

export class LimitWindowsRepository {
  static readonly collectionName = "limit-windows";
  static readonly indexes = limitWindowsIndexes;
  /** Keys are HMACs. */
  static readonly personalData = null;
  /** Counters begin again after a load. */
  static readonly isDumped = false;
  readonly #collection: Collection<LimitWindows>;
  constructor(database: Db) {
    this.#collection = database.collection(LimitWindowsRepository.collectionName);
  }

  find(key: string): Promise<LimitWindows | null> {
    return this.#collection.findOne({ key });
  }

  /**
   * Counts a call in the windows of a subject; one command. It upserts by `key` and not by `_id`, because of two
   * simultaneous upserts of a new `key` one fails and is repeated, so no two calls read the same count.
   * @param points how much the call counts
   * @returns the document after this call
   */
  async count(
    key: string,
    groups: readonly CountedGroup[],
    { now, points }: { now: Date; points: number },
  ): Promise<LimitWindows> {
    const pipeline = countPipeline(groups, now, points);
    for (let attempt = 1; ; attempt++) {
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
  }

  /** Decrements the windows in which a call was counted. */
  async release(key: string, ids: readonly string[], points: number): Promise<void> {
    await this.#collection.updateOne({ key }, releasePipeline(ids, points));
  }
}
