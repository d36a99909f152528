import type { Call } from "#core/call.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import type { Core } from "#core/core.ts";
import { type AuditCore, auditNow } from "#core/events/audit_row.ts";
import { byHolder } from "#core/events/event_source.ts";
import { signedIn } from "#core/events/sign_in_events.ts";
import { newId } from "#core/ids.ts";
import { sendNotice } from "#core/messages/notices.ts";
import { challengeEnded } from "#core/mfa/challenge.ts";
import { amrWith } from "#core/mfa/offered_factors.ts";
import type { CorrectFactor } from "#core/mfa/present_factor.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { MfaChallenge } from "#core/repositories/mfa_challenges.ts";
import type { Redemption } from "#core/repositories/redeemable.ts";
import { issueSession, type TokenPair } from "#core/sessions/issue_session.ts";
import { deriveRefreshToken, newDerivation } from "#core/sessions/refresh_token.ts";
import { settleAll } from "#core/settle.ts";
import type { GrantCore } from "#core/sign_in/grants/grant_core.ts";
import { type NewDeviceCore, watchDevice } from "#core/sign_in/new_device.ts";
import { refusalToResume } from "#core/sign_in/redemption.ts";
import { rememberDevice } from "#core/users/known_devices.ts";
import { mayRun } from "#core/verifications/attempt.ts";

export type FinishCore = GrantCore & AuditCore & NewDeviceCore & Pick<Core, "identifiers" | "users">;

/** A challenge whose second factor was correct. */
export interface SecondStep {
  client: OAuthClient;
  challenge: MfaChallenge;
  correct: CorrectFactor;
  now: Date;
  call: Call;
}

/**
 * Uses a challenge, or resumes its use. One of any number of simultaneous calls gets it.
 * @param isFinal whether what an earlier use issued was used since, so that it can't be resumed
 * @returns when it was first used, ISO, and what to issue
 * @throws NestError mfa_token_expired, unavailable
 */
export async function redeemChallenge(
  core: FinishCore,
  { challenge, now }: Pick<SecondStep, "challenge" | "now">,
  isFinal: (earlier: Redemption) => Promise<boolean>,
): Promise<{ usedAt: string; redemption: Redemption }> {
  const { _id, sessionId, usedAt, redemption: earlier } = challenge;
  if (usedAt === null) {
    const redemption: Redemption = {
      sessionId,
      ...{ accessTokenId: newId("accessToken"), refreshTokenId: newId("refreshToken") },
      ...newDerivation(core.refreshKeys),
      startedAt: now.toISOString(),
    };
    if (!(await core.mfaChallenges.redeem(_id, redemption))) throw challengeEnded();
    return { usedAt: redemption.startedAt, redemption };
  }
  if (earlier === null || mayRun(earlier, now) || (await isFinal(earlier))) throw challengeEnded();
  if (!(await core.mfaChallenges.resume(_id, earlier.startedAt, now.toISOString()))) throw challengeEnded();
  return { usedAt, redemption: earlier };
}

/** Whether the session that a sign-in started was used or has ended. */
async function isSignInFinal(
  core: FinishCore,
  identifier: Pick<Identifier, "userId">,
  { sessionId, refreshTokenId }: Redemption,
): Promise<boolean> {
  const [session, refreshToken] = await Promise.all([
    core.sessions.find(sessionId),
    core.refreshTokens.find(refreshTokenId),
  ]);
  const user = session && (await core.users.find(session.userId));
  return refusalToResume({ session, refreshToken, identifier, user }) !== null;
}

/**
 * Starts the session that a first factor has waited for, and makes the writes of a sign-in. Every write can be repeated.
 * @param secret of `mfa_token`
 * @throws NestError mfa_token_expired, unavailable
 */
export async function finishSignIn(
  core: FinishCore,
  step: SecondStep & { secret: string; identifier: Identifier | null },
): Promise<TokenPair> {
  const { client, challenge, correct, secret, identifier, now, call } = step;
  const { usedAt: authTime, redemption } = await redeemChallenge(core, step, (earlier) =>
    isSignInFinal(core, challenge, earlier),
  );
  const { userId, device, deviceId, beakId, rootGrant, accountId, createdAt: firstFactorAt } = challenge;
  const { sessionId, accessTokenId, refreshTokenId } = redemption;
  const at = now.toISOString();
  const source = byHolder({ userId, clientId: client.id, sessionId }, call);
  const [pair, notice] = await settleAll([
    issueSession(core, {
      ...{
        client,
        userId,
        device,
        deviceId,
        sessionId,
        accountId,
        startedAt: authTime,
        authTime,
        firstFactorAt,
      },
      ...{ amr: amrWith(challenge.amr, correct.type), secondFactor: "presented" },
      ...{ generation: 1, grant: rootGrant, rootGrant, accessTokenId, now, call },
      refreshToken: deriveRefreshToken(core.refreshKeys, redemption, refreshTokenId, secret),
    }),
    // A user without an address gets no notice.
    identifier && watchDevice(core, { client, sessionId, identifier, beakId, authTime, at, call }),
    auditNow(core, signedIn({ userId, sessionId, grant: rootGrant }, source, authTime)),
  ]);
  await notice?.();
  await Promise.all([
    beakId === null || identifier === null
      ? null
      : rememberDevice(core, identifier, { beakId, isProof: rootGrant.type !== "password" }),
    noticeRecovery(core, step),
  ]);
  core.log.info("signed_in", { user_id: userId, client_id: client.id, session_id: sessionId });
  return pair;
}

/** Tells the user that a recovery code was used. */
export async function noticeRecovery(
  core: FinishCore,
  { client, challenge: { userId }, correct, now }: SecondStep,
): Promise<void> {
  const { mailer } = core;
  const { codesLeft: left } = correct;
  if (!mailer || left === null) return;
  const variables = { at: now.toISOString(), left };
  await sendNotice({ ...core, mailer }, { userId, locale: client.locale }, async () => ({
    template: "recovery_code_used",
    variables,
  }));
}
