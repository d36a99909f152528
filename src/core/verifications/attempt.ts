import { CALL_LIMIT_MS } from "#core/call.ts";
import { NestError } from "#core/errors.ts";
import type { Attempt } from "#core/repositories/redeemable.ts";

/** A redemption that started less than this ago may still be running, unless it has reported its failure. */
export const REDEMPTION_LIMIT_MS = CALL_LIMIT_MS + 500;

/** Whether the last attempt of a redemption may still be running. */
export function mayRun({ hasFailed, startedAt }: Attempt, now: Date): boolean {
  return !hasFailed && now.getTime() - Date.parse(startedAt) < REDEMPTION_LIMIT_MS;
}

/**
 * Runs the redemption of a link or a code. After a failure on our side the same link or code can be redeemed again at once:
 * none of this call's writes is still running. If the failure can't be recorded, `Retry-After` covers the time until the
 * redemption can be resumed.
 * @param recordFailure stores that the redemption has failed
 * @throws what the redemption throws; NestError unavailable if the failure can't be recorded
 */
export async function withFailureRecorded<Issued>(
  recordFailure: () => Promise<void>,
  redemption: () => Promise<Issued>,
): Promise<Issued> {
  try {
    return await redemption();
  } catch (error) {
    if (error instanceof NestError && error.status < 500) throw error;
    try {
      await recordFailure();
    } catch {
      throw new NestError("unavailable", { cause: error, retryAfterSeconds: REDEMPTION_LIMIT_MS / 1000 + 1 });
    }
    throw error;
  }
}
