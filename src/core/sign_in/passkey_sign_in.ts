import type { Call } from "#core/call.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { type AuditCore, auditNow } from "#core/events/audit_row.ts";
import { byHolder } from "#core/events/event_source.ts";
import { signedIn } from "#core/events/sign_in_events.ts";
import { derivedIdOf, newId } from "#core/ids.ts";
import type { Grant } from "#core/repositories/access_tokens.ts";
import type { Device } from "#core/repositories/authorizations.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { MfaFactor } from "#core/repositories/mfa_factors.ts";
import type { PasskeyChallenge, PasskeyRedemption } from "#core/repositories/passkey_challenges.ts";
import type { AuthenticationMethod } from "#core/repositories/sessions.ts";
import { hashSecret } from "#core/secrets.ts";
import { issueSession, type TokenPair } from "#core/sessions/issue_session.ts";
import { deriveRefreshToken, newDerivation } from "#core/sessions/refresh_token.ts";
import { settleAll } from "#core/settle.ts";
import type { GrantCore } from "#core/sign_in/grants/grant_core.ts";
import { type NewDeviceCore, watchDevice } from "#core/sign_in/new_device.ts";
import { refusalToResume } from "#core/sign_in/redemption.ts";
import { rememberDevice } from "#core/users/known_devices.ts";
import { mayRun } from "#core/verifications/attempt.ts";

/** The dependencies of signing in with a passkey. */
export type PasskeyGrantCore = GrantCore &
  AuditCore &
  NewDeviceCore &
  Pick<Core, "accountMembers" | "identifiers" | "passkeyChallenges" | "users">;

/** A passkey whose signature was correct. */
export interface PasskeySignIn {
  client: OAuthClient;
  challenge: PasskeyChallenge;
  factor: MfaFactor;
  /** The user's primary address or number; null: the user has none. */
  identifier: Identifier | null;
  /** What only the caller has and is not stored: the signature. */
  secret: string;
  device: Device | null;
  deviceId: string | null;
  beakId: string | null;
  /** The account that the person chose. Undefined: the user's default account. */
  accountId: string | undefined;
  now: Date;
  call: Call;
}

/** RFC 8176. The passkey has verified its owner, so it proves two factors. */
const AMR: readonly AuthenticationMethod[] = ["pop", "mfa"];

/**
 * Starts the session of a correct passkey, which counts as both factors. One of any number of simultaneous calls uses the challenge. Every
 * write can be repeated.
 * @throws NestError passkey_challenge_expired, unavailable
 */
export async function signInWithPasskey(core: PasskeyGrantCore, signIn: PasskeySignIn): Promise<TokenPair> {
  const { client, factor, identifier, secret, device, deviceId, beakId, accountId, now, call } = signIn;
  const { challenge, redemption } = await redeemChallenge(core, signIn);
  const { userId } = factor;
  const { sessionId, accessTokenId, refreshTokenId } = redemption;
  const rootGrant: Grant = { type: "webauthn", value: factor._id };
  const at = now.toISOString();
  const authTime = challenge.usedAt ?? at;
  const source = byHolder({ userId, clientId: client.id, sessionId }, call);
  const [pair, notice] = await settleAll([
    issueSession(core, {
      ...{ client, userId, device, deviceId, sessionId, accountId, startedAt: authTime, authTime, amr: AMR },
      ...{ generation: 1, grant: rootGrant, rootGrant, accessTokenId, now, call, secondFactor: "presented" },
      refreshToken: deriveRefreshToken(core.refreshKeys, redemption, refreshTokenId, secret),
    }),
    // A user without an address gets no notice.
    identifier && watchDevice(core, { client, sessionId, identifier, beakId, authTime, at, call }),
    auditNow(core, signedIn({ userId, sessionId, grant: rootGrant }, source, authTime)),
  ]);
  await notice?.();
  if (identifier && beakId !== null) await rememberDevice(core, identifier, { beakId, isProof: true });
  core.log.info("signed_in", { user_id: userId, client_id: client.id, session_id: sessionId });
  return pair;
}

const ended = () => new NestError("passkey_challenge_expired");

/**
 * @throws NestError passkey_challenge_expired if another call used the challenge, or its use can't be resumed, or another signature used
 *   it: two passkeys can sign one challenge
 */
async function redeemChallenge(
  core: PasskeyGrantCore,
  { challenge: { _id, usedAt, redemption: earlier }, secret, now }: PasskeySignIn,
): Promise<{ challenge: PasskeyChallenge; redemption: PasskeyRedemption }> {
  const signatureHash = hashSecret(secret);
  if (usedAt === null) {
    const redemption: PasskeyRedemption = {
      sessionId: derivedIdOf(_id, "session"),
      ...{ accessTokenId: newId("accessToken"), refreshTokenId: newId("refreshToken") },
      ...newDerivation(core.refreshKeys),
      startedAt: now.toISOString(),
      signatureHash,
    };
    const challenge = await core.passkeyChallenges.redeem(_id, redemption);
    if (challenge === null) throw ended();
    return { challenge, redemption };
  }
  if (earlier === null || mayRun(earlier, now) || earlier.signatureHash !== signatureHash) throw ended();
  const [session, refreshToken] = await Promise.all([
    core.sessions.find(earlier.sessionId),
    core.refreshTokens.find(earlier.refreshTokenId),
  ]);
  const user = session && (await core.users.find(session.userId));
  // The passkey takes the place of the identifier.
  if (refusalToResume({ session, refreshToken, identifier: session, user })) throw ended();
  const challenge = await core.passkeyChallenges.resume(_id, earlier.startedAt, now.toISOString());
  if (challenge === null) throw ended();
  return { challenge, redemption: earlier };
}
