import type { LimitName } from "#core/rate_limits/limits.ts";
import { refusedUntil, type Verdict } from "#core/rate_limits/verdict.ts";

/** Full windows that an instance remembers. Forgetting one costs a command. */
const REMEMBERED_LIMIT = 1000;

/**
 * Windows that this instance saw full. The count of such a window never falls, so it stays full until it ends and the
 * database need not be asked again.
 */
export class FullWindows {
  readonly #endsByKey = new Map<string, number>();

  remember(name: LimitName, key: string, endsAt: Date): void {
    if (this.#endsByKey.size >= REMEMBERED_LIMIT) this.#endsByKey.clear();
    this.#endsByKey.set(`${name} ${key}`, endsAt.getTime());
  }

  /** @returns the refusal of a window that is full now, else null */
  recall(name: LimitName, key: string): Verdict | null {
    const endsAt = this.#endsByKey.get(`${name} ${key}`) ?? 0;
    const now = Date.now();
    return endsAt > now ? refusedUntil(endsAt, now) : null;
  }
}
