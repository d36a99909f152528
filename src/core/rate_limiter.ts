import { optional, refine, string } from "zod/mini";
import { DAY, HOUR, MINUTE } from "#core/clock.ts";
import { integer, secret } from "#core/config.ts";
import { NestError } from "#core/errors.ts";
import { describeFailure, type Log } from "#core/log.ts";
import { hmacHex } from "#core/secrets.ts";

/** The part of rate-limiter-flexible that we use. Its counters live in the collection `rate-limits`. */
export interface StoredLimiter {
  consume(key: string): Promise<LimiterState>;
  get(key: string): Promise<LimiterState | null>;
  reward(key: string): Promise<LimiterState>;
}
interface LimiterState {
  consumedPoints: number;
  msBeforeNext: number;
}
export interface LimiterStore {
  limiter(name: string, points: number, seconds: number): StoredLimiter;
}

const points = optional(integer(0, 1_000_000_000));

/** Allowed calls per window; 0 disables a limit. Windows are fixed by contract 1.2. */
export const rateLimitVariables = {
  RATE_LIMIT_KEY: secret(string().check(refine((key) => key.length >= 32))),
  LIMIT_LINKS_PER_ADDRESS_AND_NETWORK: points,
  LIMIT_LINKS_PER_ADDRESS: points,
  LIMIT_LINKS_PER_KNOWN_DEVICE: points,
  LIMIT_LINKS_PER_NETWORK: points,
  LIMIT_TRIAL_REQUESTS_PER_NETWORK: points,
  LIMIT_NEW_TRIALS_PER_NETWORK: points,
  LIMIT_FAILURES_PER_NETWORK: points,
  LIMIT_MAILS_PER_HOUR: points,
};

export const LIMITS = {
  links_per_address_and_network: { seconds: 15 * MINUTE, points: 5 },
  links_per_address: { seconds: DAY, points: 20 },
  links_per_known_device: { seconds: 15 * MINUTE, points: 5 },
  links_per_network: { seconds: HOUR, points: 30 },
  trial_requests_per_network: { seconds: DAY, points: 30 },
  new_trials_per_network: { seconds: DAY, points: 5 },
  failures_per_network: { seconds: MINUTE, points: 60 },
  mails_per_hour: { seconds: HOUR, points: 10_000 },
} as const;

export type LimitName = keyof typeof LIMITS;
const LIMIT_NAMES = Object.keys(LIMITS) as LimitName[];

type ConfiguredLimits = Partial<Record<LimitName, number | undefined>>;

/** The limits that an environment overrides. */
export function configuredLimits(
  config: {
    [Name in Uppercase<`limit_${LimitName}`>]?: number | undefined;
  },
): ConfiguredLimits {
  return Object.fromEntries(
    LIMIT_NAMES.map((name) => [name, config[`LIMIT_${name.toUpperCase()}` as keyof typeof config]]),
  );
}

/** The state of a limit. */
export interface Count {
  /** Used share of the limit; above 1 the limit is exceeded. 0 if the limit is disabled or its store unreachable. */
  ratio: number;
  retryAfterSeconds: number;
}

const UNLIMITED: Count = { ratio: 0, retryAfterSeconds: 0 };

/**
 * Rate limits shared by all instances. If the store is unreachable, calls are allowed and a warning is logged: an outage
 * of the limiter must not lock anybody out (contract 1.2).
 */
export class RateLimiter {
  readonly #limiters = new Map<LimitName, { limiter: StoredLimiter; points: number }>();
  readonly #key: string;
  readonly #log: Log;

  /** @param configured allowed calls by limit, where the environment overrides the default */
  constructor(store: LimiterStore, key: string, configured: ConfiguredLimits, log: Log) {
    this.#key = key;
    this.#log = log;
    for (const name of LIMIT_NAMES) {
      const limit = LIMITS[name];
      const allowed = configured[name] ?? limit.points;
      if (allowed > 0)
        this.#limiters.set(name, { limiter: store.limiter(name, allowed, limit.seconds), points: allowed });
    }
  }

  /** Counts one call against a limit. `subject` identifies the limited thing; only its HMAC is stored. */
  async count(name: LimitName, ...subject: string[]): Promise<Count> {
    return this.#ask(name, (limiter) => limiter.consume(hmacHex(this.#key, name, ...subject)));
  }

  /** Reads the state that a limit would have after one more call, without counting it. */
  async peek(name: LimitName, ...subject: string[]): Promise<Count> {
    return this.#ask(name, (limiter) => limiter.get(hmacHex(this.#key, name, ...subject)), 1);
  }

  /** Releases one counted call, because the call had no effect. */
  async release(name: LimitName, ...subject: string[]): Promise<void> {
    await this.#ask(name, (limiter) => limiter.reward(hmacHex(this.#key, name, ...subject)));
  }

  async #ask(
    name: LimitName,
    ask: (limiter: StoredLimiter) => Promise<LimiterState | null>,
    next = 0,
  ): Promise<Count> {
    const entry = this.#limiters.get(name);
    if (!entry) return UNLIMITED;
    const state = await ask(entry.limiter).catch((refusal: unknown) => {
      // The library rejects with a state when the limit is passed, and with an Error when its store fails.
      if (!(refusal instanceof Error)) return refusal as LimiterState;
      this.#log.warn("rate_limiter_unreachable", { limit: name, ...describeFailure(refusal) });
      return null;
    });
    if (!state) return UNLIMITED;
    return {
      ratio: (state.consumedPoints + next) / entry.points,
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
