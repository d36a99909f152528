import type { Call } from "#core/call.ts";
import { MINUTE, plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { type AuditCore, auditNow } from "#core/events/audit_row.ts";
import { signInFailed } from "#core/events/sign_in_events.ts";
import { networkOf } from "#core/network.ts";
import type { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import { refuseIfOver } from "#core/rate_limits/verdict.ts";
import type { MfaChallenge } from "#core/repositories/mfa_challenges.ts";
import { purgeVerificationAfter } from "#core/retention.ts";
import { hashSecret, matchesHash } from "#core/secrets.ts";
import { hasEnded } from "#core/sessions/session_state.ts";

/** How long a challenge waits for its second factor, in seconds. */
export const CHALLENGE_LIFETIME_SECONDS = 10 * MINUTE;

/** The two halves of `mfa_token`. The token is no JWT, so no method takes it for an access token. */
export interface ChallengeToken {
  id: string;
  secret: string;
}

/** What a challenge has from the start. */
export type ChallengeFacts = Omit<
  MfaChallenge,
  "_id" | "tokenHash" | "attempts" | "createdAt" | "expiresAt" | "usedAt" | "redemption" | "purgeAt"
>;

/** Creates a challenge, without I/O. @param now when the first factor was presented */
export function newChallenge({ id, secret }: ChallengeToken, facts: ChallengeFacts, now: Date): MfaChallenge {
  const expiresAt = plusSeconds(now, CHALLENGE_LIFETIME_SECONDS);
  return {
    ...{ _id: id, tokenHash: hashSecret(secret), ...facts, attempts: 0 },
    ...{ createdAt: now.toISOString(), expiresAt: expiresAt.toISOString(), usedAt: null, redemption: null },
    purgeAt: purgeVerificationAfter(expiresAt),
  };
}

export const challengeTokenToWire = ({ id, secret }: ChallengeToken): string => `${id}.${secret}`;

/** The error for a challenge that is unknown, wrong, used, expired, or has no attempt left. */
export const challengeEnded = () => new NestError("mfa_token_expired");

/** What reading a challenge needs. */
export type ChallengeCore = SignInCheckCore & Pick<Core, "mfaChallenges"> & { rateLimiter: RateLimiter };
type SignInCheckCore = AuditCore & Pick<Core, "identifiers" | "oauthIdentities" | "users">;

/** Whose challenge is accepted, and for what. */
interface Accepted {
  /** The client that presents it; null: any, because the call names none. */
  clientId: string | null;
  purposes: readonly MfaChallenge["purpose"][];
  now: Date;
}

/**
 * Reads the challenge of a presented `mfa_token`, and returns it with the secret half. It is refused if its user may not sign in any
 * more. It is also refused if, since the first factor, the user ended all sessions, or removed
 * the address, number or linked account that was the first factor.
 * @throws NestError mfa_token_expired; rate_limited if the network has presented too many unknown tokens; unavailable
 */
export async function requireChallenge(
  core: ChallengeCore,
  mfaToken: string,
  { clientId, purposes, now }: Accepted,
  call: Call,
): Promise<{ challenge: MfaChallenge; secret: string }> {
  const [id = "", secret = "", ...rest] = mfaToken.split(".");
  const found = await core.mfaChallenges.findOpen(id, now.toISOString());
  const isCorrect = found !== null && rest.length === 0 && matchesHash(secret, found.tokenHash);
  const isOwn = isCorrect && [found.clientId, null].includes(clientId);
  if (!isOwn || !purposes.includes(found.purpose)) {
    refuseIfOver([await core.rateLimiter.closed.countOne("failures_per_network", networkOf(call.ip))]);
    throw challengeEnded();
  }
  await requireMaySignIn(core, found, { now, call });
  return { challenge: found, secret };
}

/**
 * Refuses a challenge whose user may not sign in. If the user was disabled after the first factor, the audit log says so, because the
 * caller does not learn it. The token can be presented any number of times, so only its first refusal has a row.
 * @throws NestError mfa_token_expired
 */
async function requireMaySignIn(
  core: SignInCheckCore,
  challenge: MfaChallenge,
  { now, call }: { now: Date; call: Call },
): Promise<void> {
  const [user, isGone] = await Promise.all([core.users.find(challenge.userId), isFirstGone(core, challenge)]);
  const { purpose, userId, sessionId, createdAt, amr, rootGrant } = challenge;
  const session = { _id: sessionId, revokedAt: null, createdAt, authTime: createdAt, amr, rootGrant };
  // The session of a step-up stays if the user ends the others, and is read itself.
  const hasOtherSession = purpose !== "step_up" && hasEnded(session, user);
  if (user !== null && user.status === undefined && !hasOtherSession && !isGone) return;
  if (user?.status === "disabled" && purpose !== "step_up") {
    const refused = { userId, cause: "disabled", isOnce: true } as const;
    await auditNow(core, signInFailed(challenge, refused, call, now.toISOString()), "mfa_token_expired");
  }
  throw challengeEnded();
}

/** Whether the user has removed what the first factor was: an address or number, or an account at a provider. */
async function isFirstGone(
  { identifiers, oauthIdentities }: SignInCheckCore,
  { userId, identifierId, oauthIdentityId }: MfaChallenge,
): Promise<boolean> {
  const id = oauthIdentityId ?? identifierId;
  // A step-up has neither.
  if (id === "") return false;
  const ways = await (oauthIdentityId === undefined ? identifiers : oauthIdentities).listByUser(userId);
  return !ways.some(({ _id, removedAt }) => _id === id && removedAt === null);
}
