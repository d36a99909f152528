import type { RefreshToken } from "#core/repositories/refresh_tokens.ts";
import type { Session } from "#core/repositories/sessions.ts";

/** Two windows of one machine may refresh at once: within this time it is not theft (contract 1.2). */
const GRACE_MS = 10_000;

/** A refresh token as it is after this call's attempt to use it first. */
export interface PresentedToken {
  token: Pick<RefreshToken, "generation" | "rotation">;
  /** This call used the token first. */
  isFirstUse: boolean;
  /** The token that was issued for this one, if it is stored. */
  successor: Pick<RefreshToken, "usedAt"> | null;
  session: Pick<Session, "acknowledgedGeneration">;
}

/**
 * - `fresh`: used for the first time.
 * - `replayable`: used before, but the client may not have the answer, or another window of the same machine used it a
 *   moment ago. It gets the same successor.
 * - `reused`: the client has the successor, so somebody else may have a copy of this token.
 */
export type RefreshTokenUse = "fresh" | "replayable" | "reused";

/**
 * Decides how a refresh token is used (contract 1.2).
 * @param network the caller's network
 */
export function judgeRefreshTokenUse(
  { token, isFirstUse, successor, session }: PresentedToken,
  network: string,
  now: Date,
): RefreshTokenUse {
  const { rotation, generation } = token;
  if (isFirstUse) return "fresh";
  if (!rotation) return "reused";
  const isAcknowledged = session.acknowledgedGeneration > generation || Boolean(successor?.usedAt);
  if (!isAcknowledged) return "replayable";
  const sinceFirstUseMs = now.getTime() - Date.parse(rotation.usedAt);
  return sinceFirstUseMs <= GRACE_MS && rotation.network === network ? "replayable" : "reused";
}
