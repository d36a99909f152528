import type { Call } from "#core/call.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import { NestError } from "#core/errors.ts";
import type { AuditCore } from "#core/events/audit_row.ts";
import { byHolder } from "#core/events/event_source.ts";
import { derivedIdOf, newId } from "#core/ids.ts";
import type { Device } from "#core/repositories/authorizations.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { Redemption } from "#core/repositories/redeemable.ts";
import type { AuthenticationMethod } from "#core/repositories/sessions.ts";
import type { User } from "#core/repositories/users.ts";
import type { Verification } from "#core/repositories/verifications.ts";
import { newDerivation } from "#core/sessions/refresh_token.ts";
import { settleAll } from "#core/settle.ts";
import type { GrantCore } from "#core/sign_in/grants/grant_core.ts";
import type { NewDeviceCore } from "#core/sign_in/new_device.ts";
import { refusalToResume } from "#core/sign_in/redemption.ts";
import type { FollowUpCore } from "#core/sign_in/registration/follow_up.ts";
import type { UserCreationCore } from "#core/users/create_user.ts";
import type { ProofCore } from "#core/users/first_proof.ts";
import { ensureUser } from "#core/users/sign_in_user.ts";
import { mayRun } from "#core/verifications/attempt.ts";
import type { CodeKey } from "#core/verifications/code_key.ts";
import type { CountedCode } from "#core/verifications/failure_limits.ts";

/** The dependencies of signing in with a code. */
export type CodeGrantCore = GrantCore &
  AuditCore &
  UserCreationCore &
  ProofCore &
  FollowUpCore &
  NewDeviceCore & { codeKey: CodeKey };

/** A code or token that was correct, and the identifier that it proves. */
export interface CorrectCode {
  verification: Verification;
  identifier: Identifier | null;
  /** Its user, read after the call began. */
  user: User | null;
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

const notFound = () => new NestError("verification_not_found");

/** A code that this call redeems or resumes. No other call does so at the same time. */
export interface RedeemedCode {
  verification: Verification;
  redemption: Redemption;
  identifier: Identifier;
}

/**
 * Redeems or resumes a correct code. One of any number of simultaneous calls wins.
 * @throws NestError verification_not_found if another call redeemed the code, or its redemption can't be resumed
 */
export async function redeemCode(
  core: CodeGrantCore,
  correct: CorrectCode,
  signIn: CodeSignIn,
): Promise<RedeemedCode> {
  const { verification, identifier: found } = correct;
  if (verification.usedAt !== null) return resume(core, correct, signIn);
  const redemption: Redemption = {
    sessionId: sessionIdOf(verification),
    accessTokenId: newId("accessToken"),
    refreshTokenId: newId("refreshToken"),
    ...newDerivation(core.refreshKeys),
    startedAt: signIn.now.toISOString(),
  };
  // The code is correct, so its user may be created before this call has redeemed it: every call creates the same user.
  const [redeemed, identifier] = await settleAll([
    core.verifications.redeem(verification._id, redemption),
    ensureOwner(core, verification, found, signIn),
  ]);
  if (!redeemed) throw notFound();
  return { verification: redeemed, redemption, identifier };
}

async function resume(
  core: CodeGrantCore,
  { verification, identifier: found }: CorrectCode,
  signIn: CodeSignIn,
): Promise<RedeemedCode> {
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

/** Who causes the events of a sign-in with a code. */
export const sourceOf = (verification: Verification, userId: string, { client, call }: CodeSignIn) =>
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
