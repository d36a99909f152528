import type { Grant } from "#core/repositories/access_tokens.ts";
import type { RefreshTokenRepository } from "#core/repositories/refresh_tokens.ts";
import { purgeAfterAcknowledgement } from "#core/retention.ts";

/** The id of the refresh token that a token was issued for. The tokens of a sign-in have none. */
export function predecessorOf(grant: Grant): string | null {
  return grant.type === "refresh_token" ? grant.value : null;
}

/**
 * Lets the predecessor of a token be removed 35 days after `now` (contract 1.7): the client used the token, so the response
 * to the refresh arrived. The tokens of a sign-in have no predecessor. A repetition keeps the earliest date.
 * @param grant the grant of the token that was used
 */
export async function purgePredecessor(
  refreshTokens: Pick<RefreshTokenRepository, "purgeUsed">,
  grant: Grant,
  now: Date,
): Promise<void> {
  const predecessor = predecessorOf(grant);
  if (predecessor !== null) await refreshTokens.purgeUsed(predecessor, purgeAfterAcknowledgement(now));
}
