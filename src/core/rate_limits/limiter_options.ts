import { NestError } from "#core/errors.ts";
import { describeFailure, type Log } from "#core/log.ts";
import type { ConfiguredLimits, LimitName } from "#core/rate_limits/limits.ts";

export interface LimiterOptions {
  /** The allowed calls that the environment configures, by limit. A limit without a value has its default. */
  configured: ConfiguredLimits;
  log: Log;
  /** Selects the sampled calls. Returns a number of at least 0 and below 1. */
  random: () => number;
  /** Refuses calls as `unavailable` if the database does not respond. */
  failsClosed?: true;
}

/**
 * Awaits a command of the limiter.
 * @returns null if the database does not respond, so that the call is allowed
 * @throws NestError unavailable in place of null if the limiter fails closed
 */
export async function nullIfUnreachable<State>(
  { log, failsClosed }: LimiterOptions,
  limit: LimitName,
  command: Promise<State>,
): Promise<State | null> {
  try {
    return await command;
  } catch (failure) {
    log.warn("rate_limiter_unreachable", { limit, ...describeFailure(failure) });
    if (failsClosed)
      throw new NestError("unavailable", { cause: failure, detail: "limits can't be counted" });
    return null;
  }
}
