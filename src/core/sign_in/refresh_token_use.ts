import type { RefreshToken, Rotation } from "#core/repositories/refresh_tokens.ts";

/**
 * Two windows of one device may refresh at once, even from two networks, such as IPv4 and IPv6. A second use within
 * this time is not theft (contract 1.7).
 */
const GRACE_MS = 10_000;

/** A refresh token that was used, by this call or an earlier one. */
export interface UsedToken {
  generation: number;
  /** Its first use. */
  rotation: Pick<Rotation, "usedAt">;
  /** This call used the token first. */
  isFirstUse: boolean;
  /** The token that was issued for this one, if it is stored. */
  successor: Pick<RefreshToken, "usedAt"> | null;
  /** The highest generation of the session whose access token was used. */
  acknowledgedGeneration: number;
}

/**
 * - `fresh`: used for the first time.
 * - `replayable`: used before, but the client may not have the response, or another window of the same device used it a
 *   moment ago. It gets the same successor.
 * - `reused`: the client has the successor, so another party may have a copy of this token.
 */
export type RefreshTokenUse = "fresh" | "replayable" | "reused";

/** Decides how a refresh token is used (contract 1.2 and 1.7). */
export function judgeRefreshTokenUse(
  { generation, rotation, isFirstUse, successor, acknowledgedGeneration }: UsedToken,
  now: Date,
): RefreshTokenUse {
  if (isFirstUse) return "fresh";
  const isAcknowledged = acknowledgedGeneration > generation || Boolean(successor?.usedAt);
  if (!isAcknowledged) return "replayable";
  const sinceFirstUseMs = now.getTime() - Date.parse(rotation.usedAt);
  return sinceFirstUseMs <= GRACE_MS ? "replayable" : "reused";
}
