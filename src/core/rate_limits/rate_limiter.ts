import { describeFailure, type Log } from "#core/log.ts";
import { FullWindows } from "#core/rate_limits/full_windows.ts";
import {
  type ConfiguredLimits,
  LIMITS,
  type LimitGroup,
  type LimitName,
  NEVER_RELEASED,
  type Subject,
  type Window,
} from "#core/rate_limits/limits.ts";
import { sampledPoints } from "#core/rate_limits/sampling.ts";
import { ALLOWED, type Counted, roomOf, type Verdict, verdictOf } from "#core/rate_limits/verdict.ts";
import type { LimitWindows, LimitWindowsRepository } from "#core/repositories/limit_windows.ts";
import type { WindowLimit } from "#core/repositories/window_pipeline.ts";
import { hmacHex } from "#core/secrets.ts";

const HMAC_DIGITS = 32;

interface LimiterOptions {
  /** Allowed calls by limit. Only limits whose default the environment overrides are present. */
  configured: ConfiguredLimits;
  log: Log;
  /** Returns a number from 0 to below 1, which selects the sampled calls. */
  random: () => number;
}

/**
 * Rate limits shared by all instances. If the store is unreachable, calls are allowed and a warning is logged: an outage
 * of the limiter must not lock anybody out (contract 1.7).
 */
export class RateLimiter {
  readonly #store: LimitWindowsRepository;
  readonly #secret: string;
  readonly #options: LimiterOptions;
  readonly #full = new FullWindows();

  /** @param secret the key of the HMACs under which windows are stored */
  constructor(store: LimitWindowsRepository, secret: string, options: LimiterOptions) {
    this.#store = store;
    this.#secret = secret;
    this.#options = options;
  }

  /**
   * Counts one call against limits of a subject; at most one command.
   * @param groups each group allows or refuses the call independently
   * @param room a group that is read but does not count the call
   * @returns the verdict of each group, and of `room`
   */
  count(subject: Subject, groups: readonly LimitGroup[], room: LimitGroup = []): Promise<Counted> {
    return this.#countAt(subject[0], this.keyOf(...subject), groups, room);
  }

  /** Counts one call against a limit that has a single window in its document. */
  countOne(...subject: Subject): Promise<Verdict> {
    return this.countKey(subject[0], this.keyOf(...subject));
  }

  /** As `countOne`, for a subject that was stored as the result of `keyOf`. */
  async countKey(name: LimitName, key: string): Promise<Verdict> {
    const { verdicts } = await this.#countAt(name, key, [[[[name]]]]);
    return verdicts[0] ?? ALLOWED;
  }

  /** The HMAC under which a subject is counted, so that the subject itself need not be stored. */
  keyOf(...subject: Subject): string {
    return hmacHex(this.#secret, ...subject);
  }

  /** Reads whether a limit has room for one more call, without counting it. */
  async peekOne(...subject: Subject): Promise<Verdict> {
    const key = this.keyOf(...subject);
    const group = this.#limitsOf(key, [[[subject[0]]]]);
    if (group.length === 0) return ALLOWED;
    const stored = await this.#orUnreachable(subject[0], this.#store.find(key));
    return stored ? roomOf(group, stored, new Date()) : ALLOWED;
  }

  /**
   * What this instance remembers of a group: a full window stays full until it ends. No command.
   * @returns null if the database must be asked
   */
  recall(subject: Subject, group: LimitGroup): Verdict | null {
    return this.#recallAt(this.keyOf(...subject), group);
  }

  /**
   * Counts one call against a limit that all calls share. A single document holds its count. Only one call in
   * 20 writes it, with the points of the others, so the document is no bottleneck. The expected count is
   * the number of calls.
   * @param factor at this multiple of the limit the window is remembered as full: `recall` refuses from then on
   * @returns the used share of the limit; null if this call is not in the sample
   */
  async countSampled(subject: Subject, factor: number): Promise<number | null> {
    const [name] = subject;
    const limit = this.#pointsOf(name);
    const points = sampledPoints(limit);
    if (limit === 0 || this.#options.random() * points >= 1) return null;
    const key = this.keyOf(...subject);
    const capacity = Number.MAX_SAFE_INTEGER;
    const unbounded = { id: name, limit: name, capacity, seconds: LIMITS[name].seconds };
    const stored = await this.#orUnreachable(
      name,
      this.#store.count(key, [[[unbounded]]], { now: new Date(), points }),
    );
    const window = stored?.windows.find(({ id }) => id === name);
    if (!window) return null;
    if (window.count >= limit * factor) this.#full.remember(name, key, window.endsAt);
    return window.count / limit;
  }

  /** Releases one call from the windows that counted it, because the call had no effect. */
  async release(subject: Subject, counted: readonly WindowLimit[]): Promise<void> {
    const ids = counted.map(({ id }) => id);
    if (ids.length > 0) await this.#release(subject, ids, 1);
  }

  /** Releases a call that `countSampled` counted. */
  async releaseSampled(subject: Subject): Promise<void> {
    await this.#release(subject, [subject[0]], sampledPoints(this.#pointsOf(subject[0])));
  }

  async #countAt(
    name: LimitName,
    key: string,
    groups: readonly LimitGroup[],
    room: LimitGroup = [],
  ): Promise<Counted> {
    const now = new Date();
    const asked = groups.map((group) => ({
      group: this.#limitsOf(key, group),
      remembered: this.#recallAt(key, group),
    }));
    const open = asked.flatMap(({ group, remembered }) => (remembered || group.length === 0 ? [] : [group]));
    const counting = open.length === 0 ? null : this.#store.count(key, open, { now, points: 1 });
    const stored = counting && (await this.#orUnreachable(name, counting));
    if (stored) this.#remember(stored);
    return {
      verdicts: asked.map(
        ({ group, remembered }) => remembered ?? (stored ? verdictOf(group, stored, now) : ALLOWED),
      ),
      room: stored ? roomOf(this.#limitsOf(key, room), stored, now) : ALLOWED,
    };
  }

  #recallAt(key: string, group: LimitGroup): Verdict | null {
    for (const [only, ...others] of group) {
      const isFinal = only !== undefined && others.length === 0 && only.length === 1;
      const refusal = isFinal ? this.#full.recall(only[0], key) : null;
      if (refusal) return refusal;
    }
    return null;
  }

  /** The id of a window in its document. */
  #idOf(key: string, [name, ...part]: Window): string {
    return part.length === 0 ? name : hmacHex(this.#secret, key, name, ...part).slice(0, HMAC_DIGITS);
  }

  async #release(subject: Subject, ids: readonly string[], points: number): Promise<void> {
    await this.#orUnreachable(subject[0], this.#store.release(this.keyOf(...subject), ids, points));
  }

  #pointsOf(name: LimitName): number {
    return this.#options.configured[name] ?? LIMITS[name].points;
  }

  /** The limits of a group. Alternatives without a limit, or with a disabled limit, are left out. */
  #limitsOf(key: string, group: LimitGroup): WindowLimit[][] {
    const isOpen = (alternatives: readonly Window[]) =>
      alternatives.every(([name]) => this.#pointsOf(name) > 0);
    return group.filter(isOpen).map((alternatives) =>
      alternatives.map((window) => ({
        id: this.#idOf(key, window),
        limit: window[0],
        capacity: this.#pointsOf(window[0]),
        seconds: LIMITS[window[0]].seconds,
      })),
    );
  }

  #remember({ key, windows }: LimitWindows): void {
    for (const { id, count, endsAt } of windows) {
      const name = id as LimitName;
      if (NEVER_RELEASED.has(name) && count >= this.#pointsOf(name)) this.#full.remember(name, key, endsAt);
    }
  }

  async #orUnreachable<State>(limit: LimitName, asked: Promise<State>): Promise<State | null> {
    try {
      return await asked;
    } catch (failure) {
      this.#options.log.warn("rate_limiter_unreachable", { limit, ...describeFailure(failure) });
      return null;
    }
  }
}
