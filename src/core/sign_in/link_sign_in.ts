import type { Call } from "#core/call.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import type { Core } from "#core/core.ts";
import { type AuditCore, auditNow } from "#core/events/audit_row.ts";
import { byHolder } from "#core/events/event_source.ts";
import { signedIn } from "#core/events/sign_in_events.ts";
import { newId } from "#core/ids.ts";
import { type FirstFactor, passSecondFactor } from "#core/mfa/second_factor.ts";
import { networkSubject } from "#core/rate_limits/network_subject.ts";
import type { Grant } from "#core/repositories/access_tokens.ts";
import type { Authorization } from "#core/repositories/authorizations.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { Redemption } from "#core/repositories/redeemable.ts";
import type { AuthenticationMethod } from "#core/repositories/sessions.ts";
import type { User } from "#core/repositories/users.ts";
import { issueSession, type TokenPair } from "#core/sessions/issue_session.ts";
import { deriveRefreshToken } from "#core/sessions/refresh_token.ts";
import { settleAll } from "#core/settle.ts";
import type { GrantCore } from "#core/sign_in/grants/grant_core.ts";
import { type NewDeviceCore, watchDevice } from "#core/sign_in/new_device.ts";
import { completeUser, type UserCreationCore } from "#core/users/create_user.ts";
import { type ProofCore, proveClaimed } from "#core/users/first_proof.ts";
import { rememberDevice } from "#core/users/known_devices.ts";
import { ensureUser } from "#core/users/sign_in_user.ts";

/** What signing in with a magic link uses. */
export type LinkGrantCore = GrantCore &
  AuditCore &
  NewDeviceCore &
  Pick<Core, "authorizations" | "trials"> &
  ProofCore &
  UserCreationCore;

/** A link that this call redeems or resumes. No other call does so at the same time. */
export interface RedeemedAuthorization {
  authorization: Authorization;
  redemption: Redemption;
  /** The active identifier with the link's address. */
  identifier: Identifier | null;
  /** Its user, read after the call began. */
  user: User | null;
}

export interface LinkSignIn {
  client: OAuthClient;
  /** The secret of the link, or the nonce with which its user code was presented. */
  secret: string;
  amr: readonly AuthenticationMethod[];
  /** The account that the person chose. Undefined: the user's default account. */
  accountId: string | undefined;
  now: Date;
  call: Call;
}

/**
 * Issues the session of a redeemed link, and makes the writes that only a magic link needs: the user of a new address,
 * the end of the address's other links, the trial, the verified address, the known device. Every write can be repeated.
 * It fails only after all of them have settled.
 * @throws NestError authorization_not_found, mfa_required, mfa_enrollment_required, unavailable
 */
export async function signInWithLink(
  core: LinkGrantCore,
  { authorization, redemption, identifier: found, user }: RedeemedAuthorization,
  { client, secret, amr, accountId, now, call }: LinkSignIn,
): Promise<TokenPair> {
  const { _id, identifierValue, device, trialId } = authorization;
  const { sessionId, accessTokenId, refreshTokenId } = redemption;
  const at = now.toISOString();
  const refreshToken = deriveRefreshToken(core.refreshKeys, redemption, refreshTokenId, secret);
  const newUserId = newId("user");
  const sourceOf = (id: string) => byHolder({ userId: id, clientId: client.id, sessionId }, call);
  const address = { identity: identifierValue, found, newUserId, source: sourceOf(newUserId) };
  const identifier = await ensureUser(core, address, at);
  const { userId } = identifier;
  const source = sourceOf(userId);
  const proof = { source, at, verificationId: null, beakId: device?.beakId ?? null };
  const rootGrant: Grant = { type: "authorization_code", value: _id };
  const authTime = authorization.usedAt ?? at;
  // What the link proves by itself.
  const conclude = () =>
    settleAll([
      core.authorizations.endOthers(authorization, at),
      trialId === null ? null : redeemTrial(core, trialId, identifierValue, { at, call }),
      // `ensureUser` writes the user of an address that is not verified.
      identifier.verifiedAt
        ? completeUser(core, userId, identifier.createdAt)
        : proveClaimed(core, identifier, { ...proof, isByClaimant: userId === newUserId }),
    ]);
  const first: FirstFactor = {
    ...{ client, user, identifier, amr: [...amr], sessionId, rootGrant, device, deviceId: null },
    ...{ accountId, beakId: proof.beakId, authTime, redeemed: { redemption, secret } },
  };
  const secondFactor = await passSecondFactor(core, first, conclude);
  const [pair, notice] = await settleAll([
    issueSession(core, {
      ...{ client, userId, device, sessionId, accountId, startedAt: authTime, authTime, amr },
      ...{ generation: 1, grant: rootGrant, rootGrant, accessTokenId, refreshToken, now, call, secondFactor },
    }),
    watchDevice(core, { client, sessionId, identifier, beakId: proof.beakId, authTime, at, call }),
    conclude(),
    device ? rememberDevice(core, identifier, { beakId: device.beakId, isProof: true }) : null,
    auditNow(core, signedIn({ userId, sessionId, grant: rootGrant }, source, authTime)),
  ]);
  core.log.info("signed_in", { user_id: userId, client_id: client.id, session_id: sessionId });
  await notice();
  return pair;
}

/**
 * Records that a link of a trial was redeemed, and counts the trial against the daily limit of the network that claimed
 * it. Above the limit, the link still signs in, and the next new trial is refused when it is claimed (contract 1.7).
 */
async function redeemTrial(
  core: LinkGrantCore,
  trialId: string,
  identifierValue: string,
  { at, call }: { at: string; call: Call },
): Promise<void> {
  const redeemed = await core.trials.recordRedemption(trialId, identifierValue, at);
  if (!redeemed) return;
  // A trial that an earlier release claimed, or that started again, names no network.
  const network = redeemed.claimNetwork ?? core.rateLimiter.keyOf(...networkSubject(call.ip));
  await core.rateLimiter.countKey("new_trials_per_network", network);
}
