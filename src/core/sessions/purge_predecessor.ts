import type { Grant } from "#core/repositories/access_tokens.ts";
import type { RefreshTokenRepository } from "#core/repositories/refresh_tokens.ts";
import { purgeAfterAcknowledgement } from "#core/retention.ts";

/**
 * Lets the refresh token that a token was issued for be removed 35 days after `now` (contract 1.7), because the client
 * used the token and so has what the refresh returned. The tokens of a sign-in have no predecessor. It can be repeated:
 * the earliest date stays.
 * @param grant the grant of the token that was used
 */
export async function purgePredecessor(
  refreshTokens: Pick<RefreshTokenRepository, "purgeUsed">,
  grant: Grant,
  now: Date,
): Promise<void> {
  if (grant.type === "refresh_token")
    await refreshTokens.purgeUsed(grant.value, purgeAfterAcknowledgement(now));
}
