import type { Call } from "#core/call.ts";
import { type ErrorCode, NestError } from "#core/errors.ts";
import { networkOf } from "#core/network.ts";
import type { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import { refuseIfOver } from "#core/rate_limits/verdict.ts";

/** The errors of a wrong secret, or of a secret whose id does not exist. */
const WRONG_SECRET: readonly ErrorCode[] = ["not_found", "token_not_found"];

/** The errors of a correct secret, whose user has a second step to go. */
const CORRECT_SECRET: readonly ErrorCode[] = ["mfa_required", "mfa_enrollment_required"];

/**
 * Runs a redemption or refresh, and counts its failure against the limit of failures per network. The attempt checks the
 * secret before the limit applies: a secret has 256 bits, so it can't be guessed. Therefore the limit never refuses a
 * correct secret, whatever other clients in the network do (contract 1.7). A failure is counted before its response, so of
 * concurrent wrong secrets, only as many as the limit allows get the error of a wrong secret.
 * @throws NestError rate_limited for a wrong secret above the limit; every error of the attempt
 */
export async function countFailures<Result>(
  core: { rateLimiter: RateLimiter },
  call: Call,
  attempt: () => Promise<Result>,
): Promise<Result> {
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof NestError && error.status < 500 && !CORRECT_SECRET.includes(error.code)) {
      const verdict = await core.rateLimiter.countOne("failures_per_network", networkOf(call.ip));
      if (WRONG_SECRET.includes(error.code)) refuseIfOver([verdict]);
    }
    throw error;
  }
}
