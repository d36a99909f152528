import RateLimiterMongo from "rate-limiter-flexible/lib/RateLimiterMongo.js";
import type { StoredLimiter } from "#core/rate_limiter.ts";
import type { RateLimitRepository } from "#core/repositories/rate_limits.ts";

/** Opens rate limits whose counters are stored. Apart from the repository, so that only functions with limits bundle the library. */
export class StoredLimiters {
  readonly #rateLimits: RateLimitRepository;
  constructor(rateLimits: RateLimitRepository) {
    this.#rateLimits = rateLimits;
  }

  /** A limiter of `points` uses per `seconds` that all instances share. */
  limiter(name: string, points: number, seconds: number): StoredLimiter {
    return new RateLimiterMongo(this.#rateLimits.limiterOptions({ name, points, seconds }));
  }
}
