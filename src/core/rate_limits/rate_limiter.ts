import { FullWindows } from "#core/rate_limits/full_windows.ts";
import { type LimiterOptions, nullIfUnreachable } from "#core/rate_limits/limiter_options.ts";
import {
  LIMITS,
  type LimitGroup,
  type LimitName,
  NEVER_RELEASED,
  pauseOf,
  type Subject,
  type Window,
} from "#core/rate_limits/limits.ts";
import { type Sampled, sampleWeight } from "#core/rate_limits/sampling.ts";
import { ALLOWED, type Counted, peekVerdict, type Verdict, verdictOf } from "#core/rate_limits/verdict.ts";
import type { LimitWindows, LimitWindowsRepository } from "#core/repositories/limit_windows.ts";
import type { CountedWindow, WindowLimit } from "#core/repositories/window_pipeline.ts";
import { hmacHex } from "#core/secrets.ts";

const HMAC_DIGITS = 32;

/**
 * Rate limits that all instances share. If the database does not respond, calls are allowed and a warning is logged: an
 * outage of the limiter must not lock users out (contract 1.7). `closed` is the limiter of secrets that can be guessed, and
 * of messages that cost money.
 */
export class RateLimiter {
  readonly #store: LimitWindowsRepository;
  readonly #secret: string;
  readonly #options: LimiterOptions;
  readonly #full: FullWindows;

  /** @param secret the key of the HMACs under which windows are stored */
  constructor(
    store: LimitWindowsRepository,
    secret: string,
    options: LimiterOptions,
    full = new FullWindows(),
  ) {
    this.#store = store;
    this.#secret = secret;
    this.#options = options;
    this.#full = full;
  }

  /** The same limits. If the database does not respond, counting throws `unavailable`. */
  get closed(): RateLimiter {
    return new RateLimiter(this.#store, this.#secret, { ...this.#options, failsClosed: true }, this.#full);
  }

  /**
   * Counts one call against the limits of a subject, with at most one command.
   * @param groups each group allows or refuses the call independently
   * @param peeked a group that is read from the same document and does not count the call
   */
  count(subject: Subject, groups: readonly LimitGroup[], peeked: LimitGroup = []): Promise<Counted> {
    return this.#countAt(subject[0], this.keyOf(...subject), groups, peeked);
  }

  /** Counts one call against the limit that the subject names, if the document has one window of it. */
  countOne(...subject: Subject): Promise<Verdict> {
    return this.countKey(subject[0], this.keyOf(...subject));
  }

  /** Like `countOne`, for a caller that has only the key of the subject. */
  async countKey(name: LimitName, key: string): Promise<Verdict> {
    const { verdicts } = await this.#countAt(name, key, [[[[name]]]]);
    return verdicts[0] ?? ALLOWED;
  }

  /** The key of a subject's document: an HMAC. Store the key if the subject itself must not be stored. */
  keyOf(...subject: Subject): string {
    return hmacHex(this.#secret, ...subject);
  }

  /**
   * The refusal of a group that has a full window in the cache of this instance. Sends no command.
   * @returns null if the cache has no such window: only the database has the verdict then
   */
  cachedRefusal(subject: Subject, group: LimitGroup): Verdict | null {
    return this.#cachedRefusalAt(this.keyOf(...subject), group);
  }

  /**
   * Counts one call against a limit that all calls share. One document holds its count. So that the document is no
   * bottleneck, only a random sample of the calls writes it: one call in 20, which adds 20 (see `sampleWeight` for small
   * limits). The expected count is the number of calls.
   * @param factor at this multiple of the limit, the window is cached as full, and `cachedRefusal` refuses calls
   * @returns null if this call is not in the sample
   */
  async countSampled(subject: Subject, factor: number): Promise<Sampled | null> {
    const [name] = subject;
    const limit = this.#callsOf(name);
    const weight = sampleWeight(limit);
    if (limit === 0 || this.#options.random() * weight >= 1) return null;
    const key = this.keyOf(...subject);
    const capacity = Number.MAX_SAFE_INTEGER;
    const unbounded = { id: name, limit: name, capacity, seconds: LIMITS[name].seconds };
    const stored = await this.#nullIfUnreachable(
      name,
      this.#store.count(key, [[[unbounded]]], { now: new Date(), weight }),
    );
    const window = stored?.windows.find(({ id }) => id === name);
    if (!window) return null;
    if (window.count >= limit * factor) this.#full.add(name, key, window.endsAt);
    return { ratio: window.count / limit, window: { id: name, limit: name, endsAt: window.endsAt } };
  }

  /** Decrements the windows that counted a call, because the call had no effect. */
  async release(subject: Subject, counted: readonly CountedWindow[]): Promise<void> {
    if (counted.length > 0) await this.#release(subject, counted, 1);
  }

  /** Begins the counts of windows again. */
  async reset(subject: Subject, counted: readonly Pick<CountedWindow, "id">[]): Promise<void> {
    const ids = counted.map(({ id }) => id);
    await this.#nullIfUnreachable(subject[0], this.#store.reset(this.keyOf(...subject), ids));
  }

  /** Reverses `countSampled` of a call that was in the sample. */
  async releaseSampled(subject: Subject, { window }: Sampled): Promise<void> {
    await this.#release(subject, [window], sampleWeight(this.#callsOf(subject[0])));
  }

  async #countAt(
    name: LimitName,
    key: string,
    groups: readonly LimitGroup[],
    peeked: LimitGroup = [],
  ): Promise<Counted> {
    const now = new Date();
    const limited = groups.map((group) => ({
      group: this.#limitsOf(key, group),
      cached: this.#cachedRefusalAt(key, group),
    }));
    const uncached = limited.flatMap(({ group, cached }) => (cached || group.length === 0 ? [] : [group]));
    const limitedPeek = this.#limitsOf(key, peeked);
    const isPeekNeeded = limitedPeek.length > 0 && limited.some(({ cached }) => cached === null);
    const reading =
      uncached.length > 0
        ? this.#store.count(key, uncached, { now, weight: 1 })
        : // Every limit that would count the call is disabled, so the document is only read.
          isPeekNeeded && this.#store.find(key);
    const stored = reading ? await this.#nullIfUnreachable(name, reading) : null;
    if (stored) this.#cacheFull(stored);
    return {
      verdicts: limited.map(
        ({ group, cached }) => cached ?? (stored ? verdictOf(group, stored, now) : ALLOWED),
      ),
      peeked: stored ? peekVerdict(limitedPeek, stored, now) : ALLOWED,
    };
  }

  /**
   * A full window refuses a call only if it has no alternatives. The cache has only windows that are named by their limit
   * alone.
   */
  #cachedRefusalAt(key: string, group: LimitGroup): Verdict | null {
    for (const [only, ...others] of group) {
      const isFinal = only !== undefined && others.length === 0 && only.length === 1;
      const refusal = isFinal ? this.#full.refusalOf(only[0], key) : null;
      if (refusal) return refusal;
    }
    return null;
  }

  /** The id of a window in its document. */
  #idOf(key: string, [name, ...part]: Window): string {
    return part.length === 0 ? name : hmacHex(this.#secret, key, name, ...part).slice(0, HMAC_DIGITS);
  }

  async #release(subject: Subject, counted: readonly CountedWindow[], weight: number): Promise<void> {
    await this.#nullIfUnreachable(subject[0], this.#store.release(this.keyOf(...subject), counted, weight));
  }

  #callsOf(name: LimitName): number {
    return this.#options.configured[name] ?? LIMITS[name].calls;
  }

  /** The group with the configured limits. It omits a list with a disabled limit, because that limit allows every call. */
  #limitsOf(key: string, group: LimitGroup): WindowLimit[][] {
    const isLimited = (alternatives: readonly Window[]) =>
      alternatives.every(([name]) => this.#callsOf(name) > 0);
    return group.filter(isLimited).map((alternatives) =>
      alternatives.map((window) => ({
        ...{ id: this.#idOf(key, window), limit: window[0], capacity: this.#callsOf(window[0]) },
        ...{ seconds: LIMITS[window[0]].seconds, pause: pauseOf(window[0]) },
      })),
    );
  }

  #cacheFull({ key, windows }: LimitWindows): void {
    for (const { id, count, endsAt } of windows) {
      const name = id as LimitName;
      if (NEVER_RELEASED.has(name) && count >= this.#callsOf(name)) this.#full.add(name, key, endsAt);
    }
  }

  #nullIfUnreachable<State>(limit: LimitName, command: Promise<State>): Promise<State | null> {
    return nullIfUnreachable(this.#options, limit, command);
  }
}
