import type { Call } from "#core/call.ts";
import { NestError } from "#core/errors.ts";
import { auditNow } from "#core/events/audit_row.ts";
import { signInFailed } from "#core/events/sign_in_events.ts";
import { newId } from "#core/ids.ts";
import type { Authorization } from "#core/repositories/authorizations.ts";
import type { Redemption } from "#core/repositories/redeemable.ts";
import { newDerivation } from "#core/sessions/refresh_token.ts";
import { mayNotSignIn } from "#core/sessions/session_state.ts";
import { settleAll } from "#core/settle.ts";
import type { LinkGrantCore, RedeemedAuthorization } from "#core/sign_in/link_sign_in.ts";
import {
  judgeProved,
  type PresentedCode,
  type RedemptionDecision,
  refusalToResume,
} from "#core/sign_in/redemption.ts";

/** The call that redeems a link. */
interface Redeeming {
  now: Date;
  call: Call;
}

/**
 * Redeems or resumes a link whose secret or user code was correct. One of any number of simultaneous calls wins.
 * @throws NestError if another call redeemed, revoked or blocked the link first; if its session can't be resumed; if the
 *   link signs nobody up and its address has no user any more
 */
export function redeemAuthorization(
  core: LinkGrantCore,
  decision: Exclude<RedemptionDecision, { outcome: "refuse" }>,
  presented: PresentedCode,
  redeeming: Redeeming,
): Promise<RedeemedAuthorization> {
  return decision.outcome === "redeem"
    ? startRedemption(core, decision.authorization, presented, redeeming)
    : resumeRedemption(core, decision, presented, redeeming);
}

async function startRedemption(
  core: LinkGrantCore,
  { _id, identifierValue }: Authorization,
  presented: PresentedCode,
  redeeming: Redeeming,
): Promise<RedeemedAuthorization> {
  const { now } = redeeming;
  const redemption: Redemption = {
    sessionId: newId("session"),
    accessTokenId: newId("accessToken"),
    refreshTokenId: newId("refreshToken"),
    ...newDerivation(core.refreshKeys),
    startedAt: now.toISOString(),
    ...(presented.isUserCode && { isByUserCode: true }),
  };
  const [authorization, owner] = await settleAll([
    core.authorizations.redeem(_id, redemption),
    core.identifiers.findWithUser("email", identifierValue),
  ]);
  if (authorization)
    return requireAdmitted(core, { authorization, redemption, ...owner }, presented, redeeming);
  const later = await core.authorizations.find(_id);
  const decision = later && judgeProved(later, presented, now);
  throw new NestError(decision?.outcome === "refuse" ? decision.code : "token_used");
}

/** @throws NestError if the session was revoked or used, its user is gone, or another call resumes the redemption */
async function resumeRedemption(
  core: LinkGrantCore,
  { authorization, redemption }: Extract<RedemptionDecision, { outcome: "resume" }>,
  presented: PresentedCode,
  redeeming: Redeeming,
): Promise<RedeemedAuthorization> {
  const { now } = redeeming;
  const [session, refreshToken, owner] = await Promise.all([
    core.sessions.find(redemption.sessionId),
    core.refreshTokens.find(redemption.refreshTokenId),
    core.identifiers.findWithUser("email", authorization.identifierValue),
  ]);
  const { identifier } = owner;
  const user = session && (await core.users.find(session.userId));
  const refusal = refusalToResume({ session, refreshToken, identifier, user });
  if (refusal) throw new NestError(refusal);
  const resumed = await core.authorizations.resume(
    authorization._id,
    redemption.startedAt,
    now.toISOString(),
  );
  if (!resumed) throw new NestError("token_used");
  return requireAdmitted(core, { authorization: resumed, redemption, ...owner }, presented, redeeming);
}

/**
 * Checks that the user of a redeemed link may sign in. If the user is disabled, the audit log says so, because the caller does not
 * learn it.
 * @throws NestError if the user was disabled; if registration was closed, and the user was removed after the link was mailed
 */
async function requireAdmitted(
  core: LinkGrantCore,
  redeemed: RedeemedAuthorization,
  { isUserCode }: PresentedCode,
  { now, call }: Redeeming,
): Promise<RedeemedAuthorization> {
  const { authorization, identifier, user } = redeemed;
  if (identifier !== null && mayNotSignIn(user)) {
    const refused = { userId: identifier.userId, cause: "disabled" } as const;
    const failed = signInFailed(authorization, refused, call, now.toISOString());
    await auditNow(core, failed, isUserCode ? "verification_not_found" : "authorization_not_found");
    throw new NestError("authorization_not_found");
  }
  if (authorization.signsUp === false && identifier === null) throw new NestError("authorization_not_found");
  return redeemed;
}
