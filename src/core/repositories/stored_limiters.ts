import RateLimiterMongo from "rate-limiter-flexible/lib/RateLimiterMongo.js";
import type { LimiterStore, StoredLimiter } from "#core/rate_limiter.ts";
import type { RateLimitRepository } from "#core/repositories/rate_limits.ts";

/** Opens rate limits whose counters are stored. Apart from the repository, so that only functions with limits bundle the library. */
export class StoredLimiters implements LimiterStore {
  readonly #rateLimits: RateLimitRepository;
  constructor(rateLimits: RateLimitRepository) {
    this.#rateLimits = rateLimits;
  }

  /** A limiter of `points` uses per `seconds` that all instances share. */
  limiter(name: string, points: number, seconds: number): StoredLimiter {
    return new RateLimiterMongo(this.#rateLimits.limiterOptions({ name, points, seconds }));
  }

  /** Reads counters in one command, by `<limit>:<key>`, without those whose window has ended. */
  async read(keys: readonly string[]) {
    const now = Date.now();
    const counters = await this.#rateLimits.listCurrent(keys, new Date(now));
    return new Map(
      counters.map(({ key, points, expire }) => [
        key,
        { consumedPoints: points, msBeforeNext: expire.getTime() - now },
      ]),
    );
  }
}
