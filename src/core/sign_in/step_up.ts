import { challengeEnded } from "#core/mfa/challenge.ts";
import { amrWith } from "#core/mfa/offered_factors.ts";
import type { AccessToken } from "#core/repositories/access_tokens.ts";
import type { Redemption } from "#core/repositories/redeemable.ts";
import type { Session } from "#core/repositories/sessions.ts";
import { mintAccessToken } from "#core/sessions/access_token.ts";
import { hasEnded } from "#core/sessions/session_state.ts";
import { type AccessIssue, accessTokenRecord, claimSources } from "#core/sessions/token_records.ts";
import { settleAll } from "#core/settle.ts";
import {
  type FinishCore,
  noticeRecovery,
  redeemChallenge,
  type SecondStep,
} from "#core/sign_in/second_step.ts";
import type { IssuedTokens } from "#core/sign_in/token_response.ts";

/**
 * Makes a session fresh, because its person presented a second factor. The session and its refresh token stay; the access token
 * is of the same generation, so both access tokens work. If the response was lost, the call can be repeated until somebody uses the
 * access token: the challenge and the code are no secret of the session.
 * @throws NestError mfa_token_expired if the session has ended or the access token was used; unavailable
 */
export async function stepUp(core: FinishCore, step: SecondStep): Promise<IssuedTokens> {
  const { client, challenge, correct, now, call } = step;
  const { sessionId, userId } = challenge;
  // `now` is earlier than these reads, so an end of all sessions that they miss is later than the new `authTime`.
  const [session, user] = await Promise.all([core.sessions.find(sessionId), core.users.find(userId)]);
  if (session === null || hasEnded(session, user) || session.expiresAt <= now.toISOString())
    throw challengeEnded();
  const isUsed = (earlier: Redemption) => isFinal(core, earlier, session);
  const { usedAt: authTime, redemption } = await redeemChallenge(core, step, isUsed);
  const stepped = await core.sessions.stepUp(sessionId, authTime, amrWith(challenge.amr, correct.type));
  if (stepped === null) throw challengeEnded();
  const issue: AccessIssue = {
    ...{ client, userId, device: stepped.device, deviceId: stepped.deviceId, sessionId },
    ...{ startedAt: stepped.createdAt, authTime, amr: stepped.amr ?? [], generation: stepped.generation },
    ...{ grant: stepped.rootGrant, rootGrant: stepped.rootGrant },
    ...{ accessTokenId: redemption.accessTokenId, now, call },
  };
  const record: AccessToken = { ...accessTokenRecord(issue), isUnused: true };
  const { amr } = issue;
  const [accessToken] = await settleAll([
    mintAccessToken(core, record, claimSources(issue), { authTime, amr }),
    core.accessTokens.insertOrExtend(record),
    noticeRecovery(core, step),
  ]);
  core.log.info("stepped_up", { user_id: userId, client_id: client.id, session_id: sessionId });
  return {
    ...{ accessToken, refreshToken: null, userId, clientId: client.id, sessionId, authTime, amr },
    expiresIn: Math.round((Date.parse(record.expiresAt) - now.getTime()) / 1000),
    expiresAt: record.expiresAt,
  };
}

/** Whether the access token of a step-up was used, or a refresh has replaced it. */
async function isFinal(
  { accessTokens }: FinishCore,
  { accessTokenId }: Redemption,
  { generation }: Session,
): Promise<boolean> {
  const issued = await accessTokens.find(accessTokenId);
  return issued !== null && (!issued.isUnused || issued.generation < generation);
}
