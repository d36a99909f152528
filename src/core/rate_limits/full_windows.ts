import type { LimitName } from "#core/rate_limits/limits.ts";
import { refusedUntil, type Verdict } from "#core/rate_limits/verdict.ts";

/** Entries at which the cache is emptied. A window that is no longer cached costs one command to find full again. */
const CACHE_SIZE = 1000;

/** A cache of full windows in this instance. A cached window refuses calls until it ends, without a command. */
export class FullWindows {
  readonly #endsByKey = new Map<string, number>();

  add(name: LimitName, key: string, endsAt: Date): void {
    if (this.#endsByKey.size >= CACHE_SIZE) this.#endsByKey.clear();
    this.#endsByKey.set(`${name} ${key}`, endsAt.getTime());
  }

  /** @returns the refusal of a cached window that has not ended; null if there is none */
  refusalOf(name: LimitName, key: string): Verdict | null {
    const endsAt = this.#endsByKey.get(`${name} ${key}`) ?? 0;
    const now = Date.now();
    return endsAt > now ? refusedUntil(endsAt, now) : null;
  }
}
