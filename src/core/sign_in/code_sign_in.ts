import { auditNow } from "#core/events/audit_row.ts";
import { signedIn } from "#core/events/sign_in_events.ts";
import { type FirstFactor, passSecondFactor } from "#core/mfa/second_factor.ts";
import type { Grant } from "#core/repositories/access_tokens.ts";
import { issueSession, type TokenPair } from "#core/sessions/issue_session.ts";
import { deriveRefreshToken } from "#core/sessions/refresh_token.ts";
import { settleAll } from "#core/settle.ts";
import { watchDevice } from "#core/sign_in/new_device.ts";
import {
  type CodeGrantCore,
  type CodeSignIn,
  type CorrectCode,
  newUserIdOf,
  type RedeemedCode,
  redeemCode,
  sourceOf,
} from "#core/sign_in/redeem_code.ts";
import { followUpCode } from "#core/sign_in/registration/follow_up.ts";
import { storeRegistered } from "#core/sign_in/registration/store_registered.ts";
import { completeUser } from "#core/users/create_user.ts";
import { proveClaimed } from "#core/users/first_proof.ts";
import { rememberDevice } from "#core/users/known_devices.ts";
import { releaseCorrectCode } from "#core/verifications/failure_limits.ts";
/** The tokens of a sign-in with a code. */
export interface CodeTokens extends TokenPair {
  /** Whether this code created the user. */
  userCreated: boolean;
}

/**
 * Issues the session of a correct code or token. One of any number of simultaneous calls redeems it. If the response was lost, the
 * same request gets the same session and refresh token, as with a link: once the first call can no longer be running, until
 * the session is used. Every write can be repeated.
 * @throws NestError verification_not_found, mfa_required, mfa_enrollment_required, unavailable
 */
export async function signInWithCode(
  core: CodeGrantCore,
  correct: CorrectCode,
  signIn: CodeSignIn,
): Promise<CodeTokens> {
  const redeemed = await redeemCode(core, correct, signIn);
  return issue(core, { ...correct, ...redeemed }, signIn);
}

async function issue(
  core: CodeGrantCore,
  {
    verification,
    redemption,
    identifier,
    user,
    counted,
  }: RedeemedCode & Pick<CorrectCode, "counted" | "user">,
  signIn: CodeSignIn,
): Promise<CodeTokens> {
  const { client, secret, amr, device, deviceId, beakId, accountId, now, call } = signIn;
  const { sessionId, accessTokenId, refreshTokenId } = redemption;
  const { userId } = identifier;
  const rootGrant: Grant = { type: "otp", value: verification._id };
  const at = now.toISOString();
  const authTime = verification.usedAt ?? at;
  const source = sourceOf(verification, userId, signIn);
  // `ensureUser` writes the user of an identifier that is not verified.
  const prove = () =>
    identifier.verifiedAt
      ? completeUser(core, userId, identifier.createdAt)
      : proveClaimed(core, identifier, {
          ...{ source, at, verificationId: verification._id, beakId },
          isByClaimant: [newUserIdOf(verification), verification.userId].includes(userId),
        });
  // What the code proves by itself.
  const conclude = () =>
    settleAll([
      prove().then(() => storeRegistered(core, identifier, verification.registration, { source, at })),
      counted && releaseCorrectCode(core, counted),
    ]);
  const first: FirstFactor = {
    ...{ client, user, identifier, amr: [...amr], sessionId, rootGrant, device, deviceId, beakId, authTime },
    ...{ accountId, redeemed: { redemption, secret } },
  };
  const secondFactor = await passSecondFactor(core, first, async () => {
    await conclude();
    await followUpCode(core, verification, signIn);
  });
  const [pair, notice] = await settleAll([
    issueSession(core, {
      ...{ client, userId, device, deviceId, sessionId, accountId, startedAt: authTime },
      ...{ authTime, amr, generation: 1, grant: rootGrant, rootGrant, accessTokenId },
      refreshToken: deriveRefreshToken(core.refreshKeys, redemption, refreshTokenId, secret),
      ...{ now, call, secondFactor },
    }),
    watchDevice(core, { client, sessionId, identifier, beakId, authTime, at, call }),
    conclude(),
    beakId === null ? null : rememberDevice(core, identifier, { beakId, isProof: true }),
    auditNow(core, signedIn({ userId, sessionId, grant: rootGrant }, source, authTime)),
  ]);
  const verified = { type: verification.identifierType, country: verification.country };
  core.log.info("code_verified", { ...verified, client_id: client.id });
  core.log.info("signed_in", { user_id: userId, client_id: client.id, session_id: sessionId });
  await notice();
  await followUpCode(core, verification, signIn);
  return { ...pair, userCreated: userId === newUserIdOf(verification) };
}
