import type { ErrorCode } from "#core/errors.ts";
import { type Authorization, FAILED_REDEMPTIONS_LIMIT } from "#core/repositories/authorizations.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { Redemption } from "#core/repositories/redeemable.ts";
import type { RefreshToken } from "#core/repositories/refresh_tokens.ts";
import type { Session } from "#core/repositories/sessions.ts";
import type { User } from "#core/repositories/users.ts";
import { matchesHash } from "#core/secrets.ts";
import { verifiesChallenge } from "#core/sign_in/pkce.ts";
import { mayRun } from "#core/verifications/attempt.ts";

/** What a client sends to redeem a magic link. */
export interface PresentedCode {
  /** The half of the code before the dot: the authorization's id. */
  id: string;
  /** The half of the code after the dot: the secret. Only the mail holds it. */
  secret: string;
  clientId: string;
  codeVerifier: string;
  redirectUri: string;
  /** The code beside the link was presented, and `secret` is the nonce. */
  isUserCode?: true;
}

/** What the decision reads of a link, or of the code after a visit at a provider. */
export type JudgedCode = Pick<
  Authorization,
  | "clientId"
  | "redirectUri"
  | "codeChallenge"
  | "usedAt"
  | "redemption"
  | "revokedAt"
  | "failedRedemptions"
  | "expiresAt"
>;

export type RedemptionDecision<Found extends JudgedCode = Authorization> =
  | { outcome: "redeem"; authorization: Found }
  | { outcome: "resume"; authorization: Found; redemption: Redemption }
  | {
      outcome: "refuse";
      code: ErrorCode;
      /** The secret was correct and a later check failed: ten of these block the code (contract 1.2). */
      countsAsFailure: boolean;
    };

/**
 * Decides what happens to a presented code. The order of the checks is the contract's (B3). The checks after the secret may
 * name what failed, because the caller has proved that it holds the code.
 * @param found the authorization with the presented id, or null
 */
export function judgeRedemption(
  found: Authorization | null,
  presented: PresentedCode,
  now: Date,
): RedemptionDecision {
  if (!found) return refuse("not_found");
  if (!matchesHash(presented.secret, found.key)) return refuse("token_not_found");
  return judgeProved(found, presented, now);
}

/** Decides what happens to a link whose secret or user code was correct. */
export function judgeProved<Found extends JudgedCode>(
  found: Found,
  presented: Omit<PresentedCode, "id" | "secret">,
  now: Date,
): RedemptionDecision<Found> {
  const mismatch = firstMismatch(found, presented);
  if (found.usedAt) {
    const redemption = resumableRedemption(found, now);
    // The refresh token is derived from what was presented first, so only the same can get it again.
    if (redemption === null || redemption.isByUserCode !== presented.isUserCode) return refuse("token_used");
    return mismatch ? refuse("token_used", true) : { outcome: "resume", authorization: found, redemption };
  }
  if (found.revokedAt || found.failedRedemptions >= FAILED_REDEMPTIONS_LIMIT)
    return refuse("authorization_not_found");
  if (found.expiresAt <= now.toISOString()) return refuse("token_expired");
  return mismatch ? refuse(mismatch, true) : { outcome: "redeem", authorization: found };
}

/** The current state of the documents that a redemption writes. */
export interface WrittenSignIn {
  session: Session | null;
  refreshToken: RefreshToken | null;
  /** The active identifier with the link's address. */
  identifier: Pick<Identifier, "userId"> | null;
  /** The session's user. */
  user: User | null;
}

/**
 * Decides whether a redemption can be resumed (contract 1.7).
 * @returns null if it can, else the error code
 */
export function refusalToResume({
  session,
  refreshToken,
  identifier,
  user,
}: WrittenSignIn): "authorization_not_found" | "token_used" | null {
  if (session === null) return null;
  const isAcknowledged = session.acknowledgedGeneration > 0 || session.generation > 1 || refreshToken?.usedAt;
  if (isAcknowledged) return "token_used";
  const isRevoked = session.revokedAt || refreshToken?.revokedAt;
  const hasUser = user !== null && identifier?.userId === session.userId;
  return isRevoked || !hasUser ? "authorization_not_found" : null;
}

/** The redemption of a used link, or null if it can't be resumed: it may still be running, or its time has passed. */
function resumableRedemption(
  { redemption, revokedAt, failedRedemptions, expiresAt }: JudgedCode,
  now: Date,
): Redemption | null {
  if (!redemption || revokedAt || failedRedemptions >= FAILED_REDEMPTIONS_LIMIT) return null;
  const mayBeRunning = mayRun(redemption, now);
  return mayBeRunning || expiresAt <= now.toISOString() ? null : redemption;
}

function firstMismatch(found: JudgedCode, presented: Omit<PresentedCode, "id" | "secret">): ErrorCode | null {
  if (found.clientId !== presented.clientId) return "incorrect_client";
  if (found.redirectUri !== presented.redirectUri) return "incorrect_redirect_uri";
  if (!verifiesChallenge(presented.codeVerifier, found.codeChallenge)) return "incorrect_code_verifier";
  return null;
}

function refuse(
  code: ErrorCode,
  countsAsFailure = false,
): Extract<RedemptionDecision, { outcome: "refuse" }> {
  return { outcome: "refuse", code, countsAsFailure };
}
