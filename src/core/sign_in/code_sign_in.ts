import type { Call } from "#core/call.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import { NestError } from "#core/errors.ts";
import { type AuditCore, auditNow } from "#core/events/audit_row.ts";
import { byHolder } from "#core/events/event_source.ts";
import { signedIn } from "#core/events/sign_in_events.ts";
import { derivedIdOf, newId } from "#core/ids.ts";
import type { Grant } from "#core/repositories/access_tokens.ts";
import type { Device } from "#core/repositories/authorizations.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { Redemption } from "#core/repositories/redeemable.ts";
import type { AuthenticationMethod } from "#core/repositories/sessions.ts";
import type { Verification } from "#core/repositories/verifications.ts";
import { issueSession, type TokenPair } from "#core/sessions/issue_session.ts";
import { deriveRefreshToken, newDerivation } from "#core/sessions/refresh_token.ts";
import { settleAll } from "#core/settle.ts";
import type { GrantCore } from "#core/sign_in/grants/grant_core.ts";
import { type NewDeviceCore, watchDevice } from "#core/sign_in/new_device.ts";
import { refusalToResume } from "#core/sign_in/redemption.ts";
import { type FollowUpCore, followUpCode } from "#core/sign_in/registration/follow_up.ts";
import { storeRegistered } from "#core/sign_in/registration/store_registered.ts";
import { completeUser, type UserCreationCore } from "#core/users/create_user.ts";
import { type ProofCore, proveClaimed } from "#core/users/first_proof.ts";
import { rememberDevice } from "#core/users/known_devices.ts";
import { ensureUser } from "#core/users/sign_in_user.ts";
import { mayRun } from "#core/verifications/attempt.ts";
import type { CodeKey } from "#core/verifications/code_key.ts";
import { type CountedCode, releaseRightCode } from "#core/verifications/failure_limits.ts";

/** The dependencies of signing in with a code. */
export type CodeGrantCore = GrantCore &
  AuditCore &
  UserCreationCore &
  ProofCore &
  FollowUpCore &
  NewDeviceCore & { codeKey: CodeKey };

/** The tokens of a sign-in with a code. */
export interface CodeTokens extends TokenPair {
  /** Whether this code created the user. */
  userCreated: boolean;
}

/** A code or token that was right, and the identifier that it proves. */
export interface RightCode {
  verification: Verification;
  identifier: Identifier | null;
  /** What counted the code as a failure; null for a token, which is not counted. */
  counted: CountedCode | null;
}

export interface CodeSignIn {
  client: OAuthClient;
  /** What only the caller has and is not stored: the nonce of the code, or the token of the link. */
  secret: string;
  amr: readonly AuthenticationMethod[];
  device: Device | null;
  deviceId: string | null;
  beakId: string | null;
  /** The account that the person chose. Undefined: the user's default account. */
  accountId: string | undefined;
  now: Date;
  call: Call;
}

/**
 * Issues the session of a right code or token. One of any number of simultaneous calls redeems it. If the response was lost, the
 * same request gets the same session and refresh token, as with a link: once the first call can no longer be running, until
 * the session is used. Every write can be repeated.
 * @throws NestError verification_not_found, unavailable
 */
export async function signInWithCode(
  core: CodeGrantCore,
  right: RightCode,
  signIn: CodeSignIn,
): Promise<CodeTokens> {
  const won = await winRedemption(core, right, signIn);
  const tokens = await issue(core, { ...won, counted: right.counted }, signIn);
  await followUpCode(core, won.verification, signIn);
  return tokens;
}

const notFound = () => new NestError("verification_not_found");

interface WonCode {
  verification: Verification;
  redemption: Redemption;
  identifier: Identifier;
}

/** @throws NestError verification_not_found if another call redeemed the code, or its redemption can't be resumed */
async function winRedemption(core: CodeGrantCore, right: RightCode, signIn: CodeSignIn): Promise<WonCode> {
  const { verification, identifier: found } = right;
  if (verification.usedAt !== null) return resume(core, right, signIn);
  const redemption: Redemption = {
    sessionId: sessionIdOf(verification),
    accessTokenId: newId("accessToken"),
    refreshTokenId: newId("refreshToken"),
    ...newDerivation(core.refreshKeys),
    startedAt: signIn.now.toISOString(),
  };
  // The code is right, so its user may be created before this call has won: every call creates the same user.
  const [redeemed, identifier] = await settleAll([
    core.verifications.redeem(verification._id, redemption),
    ensureOwner(core, verification, found, signIn),
  ]);
  if (!redeemed) throw notFound();
  return { verification: redeemed, redemption, identifier };
}

async function resume(
  core: CodeGrantCore,
  { verification, identifier: found }: RightCode,
  signIn: CodeSignIn,
): Promise<WonCode> {
  const { _id, redemption } = verification;
  const { now } = signIn;
  if (redemption === null || !("sessionId" in redemption)) throw notFound();
  if (mayRun(redemption, now)) throw notFound();
  const [session, refreshToken] = await Promise.all([
    core.sessions.find(redemption.sessionId),
    core.refreshTokens.find(redemption.refreshTokenId),
  ]);
  const user = session && (await core.users.find(session.userId));
  if (refusalToResume({ session, refreshToken, identifier: found, user })) throw notFound();
  const [resumed, identifier] = await settleAll([
    core.verifications.resume(_id, redemption.startedAt, now.toISOString()),
    ensureOwner(core, verification, found, signIn),
  ]);
  if (!resumed) throw notFound();
  return { verification: resumed, redemption, identifier };
}

/** The id of the user whom a verification creates, if its identifier has none. It is the same for every call. */
export const newUserIdOf = ({ _id }: Verification) => derivedIdOf(_id, "user");
/** The id of the session that a verification starts. Of simultaneous calls, the event of the user names no other. */
const sessionIdOf = ({ _id }: Verification) => derivedIdOf(_id, "session");

const sourceOf = (verification: Verification, userId: string, { client, call }: CodeSignIn) =>
  byHolder({ userId, clientId: client.id, sessionId: sessionIdOf(verification) }, call);

const ensureOwner = (
  core: CodeGrantCore,
  verification: Verification,
  found: Identifier | null,
  signIn: CodeSignIn,
): Promise<Identifier> =>
  ensureUser(
    core,
    {
      identity: verification.identifierValue,
      type: verification.identifierType,
      found,
      newUserId: newUserIdOf(verification),
      source: sourceOf(verification, newUserIdOf(verification), signIn),
      ...(verification.registration && { names: verification.registration }),
    },
    signIn.now.toISOString(),
  );

async function issue(
  core: CodeGrantCore,
  { verification, redemption, identifier, counted }: WonCode & Pick<RightCode, "counted">,
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
  const proving = identifier.verifiedAt
    ? completeUser(core, userId, identifier.createdAt)
    : proveClaimed(core, identifier, {
        ...{ source, at, verificationId: verification._id, beakId },
        isByClaimant: [newUserIdOf(verification), verification.userId].includes(userId),
      });
  const [pair, notice] = await settleAll([
    issueSession(core, {
      ...{ client, userId, device, deviceId, sessionId, accountId, startedAt: authTime },
      ...{ authTime, amr, generation: 1, grant: rootGrant, rootGrant, accessTokenId },
      refreshToken: deriveRefreshToken(core.refreshKeys, redemption, refreshTokenId, secret),
      ...{ now, call },
    }),
    watchDevice(core, { client, sessionId, identifier, beakId, authTime, at, call }),
    proving.then(() => storeRegistered(core, identifier, verification.registration, { source, at })),
    beakId === null ? null : rememberDevice(core, identifier, { beakId, isProof: true }),
    counted && releaseRightCode(core, counted),
    auditNow(core, signedIn({ userId, sessionId, grant: rootGrant }, source, authTime)),
  ]);
  const verified = { type: verification.identifierType, country: verification.country };
  core.log.info("code_verified", { ...verified, client_id: client.id });
  core.log.info("signed_in", { user_id: userId, client_id: client.id, session_id: sessionId });
  await notice();
  return { ...pair, userCreated: userId === newUserIdOf(verification) };
}
