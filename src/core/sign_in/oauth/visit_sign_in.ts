import type { Call } from "#core/call.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { auditNow } from "#core/events/audit_row.ts";
import { byHolder } from "#core/events/event_source.ts";
import { oauthUnlinked } from "#core/events/oauth_events.ts";
import { signedIn } from "#core/events/sign_in_events.ts";
import { type FirstFactor, passSecondFactor, type SecondFactorCore } from "#core/mfa/second_factor.ts";
import { judgeIdentity } from "#core/oauth/judge_identity.ts";
import { notifyOfChange } from "#core/oauth/notify.ts";
import { recordDisabled } from "#core/oauth/record_disabled.ts";
import { linkOf, newUserIdOf, readJudged } from "#core/oauth/visit_outcome.ts";
import type { Grant } from "#core/repositories/access_tokens.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { OAuthIdentity } from "#core/repositories/oauth_identities.ts";
import type { OAuthState } from "#core/repositories/oauth_states.ts";
import { isVerified } from "#core/repositories/verified_identifier.ts";
import { issueSession } from "#core/sessions/issue_session.ts";
import { deriveRefreshToken } from "#core/sessions/refresh_token.ts";
import { mayNotSignIn } from "#core/sessions/session_state.ts";
import { settleAll } from "#core/settle.ts";
import { signInToAccount } from "#core/sign_in/chosen_account.ts";
import type { CodeTokens } from "#core/sign_in/code_sign_in.ts";
import { countFailures } from "#core/sign_in/failure_limit.ts";
import type { GrantCore } from "#core/sign_in/grants/grant_core.ts";
import { type NewDeviceCore, watchDevice } from "#core/sign_in/new_device.ts";
import { completeAddress, ensureLinked } from "#core/sign_in/oauth/ensure_linked.ts";
import { type RedeemedVisit, redeemVisit } from "#core/sign_in/oauth/redeem_visit.ts";
import { countRefusal, requireVisit, type VisitCodeCore } from "#core/sign_in/oauth/require_visit.ts";
import type { PresentedCode } from "#core/sign_in/redemption.ts";
import type { UserCreationCore } from "#core/users/create_user.ts";
import { rememberDevice } from "#core/users/known_devices.ts";
import { withFailureRecorded } from "#core/verifications/attempt.ts";

export type VisitGrantCore = GrantCore &
  VisitCodeCore &
  NewDeviceCore &
  UserCreationCore &
  SecondFactorCore &
  Pick<Core, "accountMembers" | "oauthIdentities">;

/**
 * Signs a user in with the code of a visit at a provider, or signs them up. If the response was lost, the same request gets the same
 * session, as with a magic link. Every write can be repeated.
 * @param accountId the account that the person chose; undefined: the default account
 * @throws NestError not_found, token_not_found, token_used, token_expired, authorization_not_found, incorrect_client,
 *   incorrect_redirect_uri, incorrect_code_verifier, client_not_found, account_not_found, mfa_required, mfa_enrollment_required,
 *   rate_limited, unavailable
 */
export function signInWithVisit(
  core: VisitGrantCore,
  presented: PresentedCode,
  { accountId, call }: { accountId: string | undefined; call: Call },
): Promise<CodeTokens> {
  return countFailures(core, call, async () => {
    const now = core.clock.now();
    const decision = await requireVisit(core, presented, { intent: "sign_in", call });
    const { authorization: visit } = decision;
    const client = core.oauthClients.require(visit.clientId);
    // A code must not be used up when no token can be signed.
    await core.signer.key();
    const recordFailure = () => core.oauthStates.recordFailedRedemption(presented.id, now.toISOString());
    const chosen = {
      ...{ accountId, provesIdentifier: false, findIdentifier: () => ownerOf(core, visit, client) },
      recordRefusal: () => countRefusal(core, visit, { call, code: "account_not_found" }),
    };
    return withFailureRecorded(recordFailure, () =>
      signInToAccount(core, chosen, call, async () => {
        const redeemed = await redeemVisit(core, decision, now);
        return issue(core, redeemed, { client, secret: presented.secret, accountId, now, call });
      }),
    );
  });
}

/** The user who signs in with a visit; null if it signs somebody up, or nobody. */
async function ownerOf(core: VisitGrantCore, visit: OAuthState, { registration }: OAuthClient) {
  if (!visit.identity) return null;
  const decision = judgeIdentity({ ...(await readJudged(core, visit, visit.identity)), registration });
  return decision.outcome === "refuse" ? null : { userId: decision.userId, verifiedAt: null };
}

interface VisitSignIn {
  client: OAuthClient;
  secret: string;
  accountId: string | undefined;
  now: Date;
  call: Call;
}

async function issue(
  core: VisitGrantCore,
  { visit, redemption }: RedeemedVisit,
  { client, secret, accountId, now, call }: VisitSignIn,
): Promise<CodeTokens> {
  const { sessionId, accessTokenId, refreshTokenId } = redemption;
  const at = now.toISOString();
  const sourceOf = (userId: string) => byHolder({ userId, clientId: client.id, sessionId }, call);
  const linked = await ensureLinked(core, visit, { client, at, call, sourceOf });
  const { userId } = linked;
  const [user, found] = await Promise.all([core.users.find(userId), core.identifiers.listByUser(userId)]);
  if (user?.status === "deleted") await unlink(core, linked, { source: sourceOf(userId), at });
  if (mayNotSignIn(user)) {
    const disabledId = user?.status === "disabled" ? userId : null;
    const refused = { userId: disabledId, call, at, errorCode: "authorization_not_found" } as const;
    await recordDisabled(core, visit, refused);
    throw new NestError("authorization_not_found");
  }
  const source = sourceOf(userId);
  const identifiers = await completeAddress(core, visit, { linked, identifiers: found }, { at, source });
  const rootGrant: Grant = { type: "authorization_code", value: visit._id };
  const authTime = visit.usedAt ?? at;
  const { device } = visit;
  const beakId = device?.beakId ?? null;
  const address = identifiers.find(isVerified);
  const first: FirstFactor = {
    ...{
      client,
      user,
      identifier: { userId },
      oauthIdentityId: linked._id,
      amr: ["fed"],
      sessionId,
      rootGrant,
      device,
      deviceId: null,
    },
    ...{ accountId, beakId, authTime, redeemed: { redemption, secret } },
  };
  const conclude = () => concludeVisit(core, { visit, linked, identifiers, client, at });
  const secondFactor = await passSecondFactor(core, first, conclude);
  const [pair, notice] = await settleAll([
    issueSession(core, {
      ...{ client, userId, device, sessionId, accountId, startedAt: authTime, authTime, amr: ["fed"] },
      ...{ generation: 1, grant: rootGrant, rootGrant, accessTokenId, now, call, secondFactor },
      refreshToken: deriveRefreshToken(core.refreshKeys, redemption, refreshTokenId, secret),
    }),
    // A user without an address gets no notice.
    address && watchDevice(core, { client, sessionId, identifier: address, beakId, authTime, at, call }),
    address && beakId !== null ? rememberDevice(core, address, { beakId, isProof: false }) : null,
    conclude(),
    auditNow(core, signedIn({ userId, sessionId, grant: rootGrant }, source, authTime)),
  ]);
  core.log.info("signed_in", { user_id: userId, client_id: client.id, session_id: sessionId });
  await notice?.();
  return { ...pair, userCreated: userId === newUserIdOf(visit) };
}

/** Records the use of the linked account. If the visit linked it to an existing user, mails the user a notice. */
async function concludeVisit(
  core: VisitGrantCore,
  { visit, linked, identifiers, client, at }: Concluded,
): Promise<void> {
  await core.oauthIdentities.recordUse(linked._id, at);
  const { userId } = linked;
  const isJoined =
    userId !== newUserIdOf(visit) && linked._id === linkOf(visit, visit.identity, { userId, at })._id;
  if (!isJoined || !core.mailer) return;
  // Every owner of the account at the provider can sign in from now on.
  const change = { identity: linked, change: "linked", clientId: client.id, at } as const;
  await notifyOfChange({ ...core, mailer: core.mailer }, identifiers, change);
}

interface Concluded {
  visit: RedeemedVisit["visit"];
  linked: OAuthIdentity;
  identifiers: readonly Identifier[];
  client: OAuthClient;
  /** ISO. */
  at: string;
}

/** A user who was deleted while the account was linked keeps no link, so that the person can sign up again. */
async function unlink(
  core: Pick<Core, "oauthIdentities">,
  linked: OAuthIdentity,
  { source, at }: { source: ReturnType<typeof byHolder>; at: string },
): Promise<void> {
  await core.oauthIdentities.remove(linked._id, at, [oauthUnlinked(linked, source, at)]);
}
