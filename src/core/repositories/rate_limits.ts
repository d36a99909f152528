import type { Db, IndexDescription } from "mongodb";
import RateLimiterMongo from "rate-limiter-flexible/lib/RateLimiterMongo.js";
import type { StoredLimiter } from "#core/rate_limiter.ts";

/** The library's own fields: key, points, expire. */
export const rateLimitIndexes: IndexDescription[] = [
  { key: { key: 1 }, unique: true },
  { key: { expire: 1 }, expireAfterSeconds: 0 },
];

export class RateLimitRepository {
  static readonly collectionName = "rate-limits";
  readonly #database: Db;
  constructor(database: Db) {
    this.#database = database;
  }

  /** A limiter of `points` per `seconds` that every instance shares. */
  limiter(name: string, points: number, seconds: number): StoredLimiter {
    return new RateLimiterMongo({
      storeClient: this.#database,
      tableName: RateLimitRepository.collectionName,
      keyPrefix: name,
      points,
      duration: seconds,
      // `npm run db:setup` makes them, never a request.
      disableIndexesCreation: true,
    });
  }
}
