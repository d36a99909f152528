import type { Db, IndexDescription } from "mongodb";

/** A counter of a rate limit, as the library `rate-limiter-flexible` stores it. */
interface RateLimit {
  /** `<limit>:<HMAC of what is limited>`; no address and no network is stored. */
  key: string;
  /** How many uses were counted in this window. */
  points: number;
  /** The end of the window. */
  expire: Date;
}

const rateLimitIndexes: (IndexDescription & { key: { [Field in keyof RateLimit]?: 1 } })[] = [
  { key: { key: 1 }, unique: true },
  { key: { expire: 1 }, expireAfterSeconds: 0 },
];

/** A rate limit: at most `points` uses in `seconds`, for each key. */
export interface LimiterOptions {
  name: string;
  points: number;
  seconds: number;
}

export class RateLimitRepository {
  static readonly collectionName = "rate-limits";
  static readonly indexes = rateLimitIndexes;
  /** Keys are HMACs. */
  static readonly personalData = null;
  /** Counters begin again after a load. */
  static readonly isDumped = false;
  readonly #database: Db;
  constructor(database: Db) {
    this.#database = database;
  }

  /** Lists counters whose window has not ended, in one command. */
  listCurrent(keys: readonly string[], now: Date): Promise<RateLimit[]> {
    return this.#database
      .collection<RateLimit>(RateLimitRepository.collectionName)
      .find({ key: { $in: [...keys] }, expire: { $gt: now } })
      .toArray();
  }

  /** Options of `RateLimiterMongo`, for a limit that all instances share. */
  limiterOptions({ name, points, seconds }: LimiterOptions) {
    return {
      storeClient: this.#database,
      tableName: RateLimitRepository.collectionName,
      keyPrefix: name,
      points,
      duration: seconds,
      // `npm run nest -- db setup` creates the indexes, never a request.
      disableIndexesCreation: true,
    };
  }
}
