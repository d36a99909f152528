import type { Call } from "#core/call.ts";
import { type ErrorCode, NestError } from "#core/errors.ts";
import { networkOf } from "#core/network.ts";
import { type RateLimiter, refuseIfOver } from "#core/rate_limiter.ts";

/** The errors of a secret that was not right, or not known. */
const WRONG_SECRET: readonly ErrorCode[] = ["not_found", "token_not_found"];

/**
 * Runs a redemption or refresh, and counts its failure against the limit of failures per network. The secret has 256 bits,
 * so it is judged first: a right secret is never refused by the limit, whatever others behind the same network did
 * (contract 1.7). A failure is counted before it is answered, so of any number of simultaneous wrong secrets only as many
 * as the limit allows are told apart from the others.
 * @throws NestError rate_limited instead of the error of a wrong secret over the limit, and what the attempt throws
 */
export async function countFailures<Result>(
  core: { rateLimiter: RateLimiter },
  call: Call,
  attempt: () => Promise<Result>,
): Promise<Result> {
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof NestError && error.status < 500) {
      const count = await core.rateLimiter.count("failures_per_network", networkOf(call.ip));
      if (WRONG_SECRET.includes(error.code)) refuseIfOver([count]);
    }
    throw error;
  }
}
