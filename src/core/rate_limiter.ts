import { NestError } from "#core/errors.ts";
import { type ConfiguredLimits, LIMIT_NAMES, LIMITS, type LimitName } from "#core/limits.ts";
import { describeFailure, type Log } from "#core/log.ts";
import { hmacHex } from "#core/secrets.ts";

/** The part of rate-limiter-flexible that we use. Its counters live in the collection `rate-limits`. */
export interface StoredLimiter {
  consume(key: string, points?: number): Promise<LimiterState>;
  reward(key: string, points?: number): Promise<LimiterState>;
}
interface LimiterState {
  consumedPoints: number;
  msBeforeNext: number;
}
export interface LimiterStore {
  limiter(name: string, points: number, seconds: number): StoredLimiter;
  /** Reads counters in one command, by `<limit>:<key>`. Counters whose window has ended are left out. */
  read(keys: readonly string[]): Promise<ReadonlyMap<string, LimiterState>>;
}

/** The state of a limit. */
export interface Count {
  /** Used share of the limit; above 1 the limit is exceeded. 0 if the limit is disabled or its store unreachable. */
  ratio: number;
  retryAfterSeconds: number;
}

const UNLIMITED: Count = { ratio: 0, retryAfterSeconds: 0 };

/** A limit and its subject, such as a network. Only an HMAC of the subject is stored. */
export type Limited = readonly [name: LimitName, ...subject: string[]];

/**
 * A sampled limit counts one call in this many, and adds as many points for it. A small limit adds fewer points at a
 * time: see `SAMPLED_PRECISION`.
 */
const SAMPLED_CALLS = 20;
/** One count of a sampled limit adds at most the limit divided by this. */
const SAMPLED_PRECISION = 500;

interface OpenLimit {
  limiter: StoredLimiter;
  points: number;
  /** Points that one sampled count adds. */
  sampledPoints: number;
}

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
  readonly #limits = new Map<LimitName, OpenLimit>();
  readonly #store: LimiterStore;
  readonly #key: string;
  readonly #log: Log;
  readonly #random: () => number;

  /** @param key the secret of the HMAC under which counters are stored */
  constructor(store: LimiterStore, key: string, { configured, log, random }: LimiterOptions) {
    this.#store = store;
    this.#key = key;
    this.#log = log;
    this.#random = random;
    for (const name of LIMIT_NAMES) {
      const limit = LIMITS[name];
      const points = configured[name] ?? limit.points;
      if (points === 0) continue;
      const sampledPoints = Math.min(SAMPLED_CALLS, Math.max(1, Math.floor(points / SAMPLED_PRECISION)));
      this.#limits.set(name, { limiter: store.limiter(name, points, limit.seconds), points, sampledPoints });
    }
  }

  /** Counts one call against a limit. */
  count(...limited: Limited): Promise<Count> {
    return this.#ask(limited, (limiter, key) => limiter.consume(key));
  }

  /** Counts one call against a limit whose subject was stored as the result of `keyOf`. */
  countKey(name: LimitName, key: string): Promise<Count> {
    return this.#ask([name], (limiter) => limiter.consume(key));
  }

  /** Returns the HMAC under which a limit of a subject is counted, so that the subject itself need not be stored. */
  keyOf(...limited: Limited): string {
    return hmacHex(this.#key, ...limited);
  }

  /** Reads the states that limits would have after one more call, in one command, without counting it. */
  async peek(limited: readonly Limited[]): Promise<Count[]> {
    const keys = limited.map((one) => (this.#limits.has(one[0]) ? `${one[0]}:${this.keyOf(...one)}` : null));
    const open = keys.filter((key) => key !== null);
    const states = open.length === 0 ? new Map() : await this.#orUnreachable("peek", this.#store.read(open));
    return limited.map((one, index) => this.#countOf(one, states?.get(keys[index] ?? ""), 1));
  }

  /**
   * Counts one call against a limit that all calls share. A single document holds its count. Only one call in
   * `SAMPLED_CALLS` writes it, with the points of the others, so the document is no bottleneck. The expected count is
   * the number of calls.
   * @returns null if this call is not in the sample
   */
  async countSampled(...limited: Limited): Promise<Count | null> {
    const points = this.#limits.get(limited[0])?.sampledPoints ?? 1;
    if (this.#random() * points >= 1) return null;
    return this.#ask(limited, (limiter, key) => limiter.consume(key, points));
  }

  /** Releases one counted call, because the call had no effect. */
  async release(...limited: Limited): Promise<void> {
    await this.#ask(limited, (limiter, key) => limiter.reward(key));
  }

  /** Releases a call that `countSampled` counted. */
  async releaseSampled(...limited: Limited): Promise<void> {
    const points = this.#limits.get(limited[0])?.sampledPoints;
    await this.#ask(limited, (limiter, key) => limiter.reward(key, points));
  }

  async #ask(
    limited: Limited,
    ask: (limiter: StoredLimiter, key: string) => Promise<LimiterState>,
  ): Promise<Count> {
    const limiter = this.#limits.get(limited[0])?.limiter;
    if (!limiter) return UNLIMITED;
    const state = await this.#orUnreachable(limited[0], ask(limiter, this.keyOf(...limited)));
    return this.#countOf(limited, state, 0);
  }

  /** The library rejects with a state when the limit is exceeded, and with an Error when its store fails. */
  async #orUnreachable<State>(limit: string, asked: Promise<State>): Promise<State | null> {
    return asked.catch((refusal: unknown) => {
      if (!(refusal instanceof Error)) return refusal as State;
      this.#log.warn("rate_limiter_unreachable", { limit, ...describeFailure(refusal) });
      return null;
    });
  }

  /** @param next calls to add to those that are counted */
  #countOf([name]: Limited, state: LimiterState | null | undefined, next: number): Count {
    const limit = this.#limits.get(name);
    if (!limit || !state) return UNLIMITED;
    return {
      ratio: (state.consumedPoints + next) / limit.points,
      retryAfterSeconds: Math.max(1, Math.ceil(state.msBeforeNext / 1000)),
    };
  }
}

/**
 * Refuses a call if any of its limits is exceeded.
 * @param longest upper bound of the reported wait, in seconds
 * @throws NestError rate_limited with the longest wait in seconds
 */
export function refuseIfOver(counts: readonly Count[], longest = Number.POSITIVE_INFINITY): void {
  const over = counts.filter((count) => count.ratio > 1);
  if (over.length === 0) return;
  const retryAfterSeconds = Math.min(longest, Math.max(...over.map((count) => count.retryAfterSeconds)));
  throw new NestError("rate_limited", { meta: { retry_after: retryAfterSeconds }, retryAfterSeconds });
}
