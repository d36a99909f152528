import type { Call } from "#core/call.ts";
import { NestError } from "#core/errors.ts";
import { networkOf } from "#core/network.ts";
import { type RateLimiter, refuseIfOver } from "#core/rate_limiter.ts";

/**
 * Runs a redemption or refresh under the limit of failures per network. Only failures count, so users who share an IP
 * address do not use up the limit by signing in (contract 1.2).
 * @param attempt receives the check of the limit as a promise, to await together with its first read
 * @throws NestError rate_limited, and what the attempt throws
 */
export async function countFailures<Result>(
  core: { rateLimiter: RateLimiter },
  call: Call,
  attempt: (withinLimit: Promise<void>) => Promise<Result>,
): Promise<Result> {
  const network = networkOf(call.ip);
  const withinLimit = core.rateLimiter
    .peek("failures_per_network", network)
    .then((count) => refuseIfOver([count]));
  try {
    return await attempt(withinLimit);
  } catch (error) {
    const failed = error instanceof NestError && error.status < 500 && error.code !== "rate_limited";
    if (failed) await core.rateLimiter.count("failures_per_network", network);
    throw error;
  }
}
