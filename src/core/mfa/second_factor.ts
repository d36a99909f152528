import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { derivedIdOf, newId } from "#core/ids.ts";
import type { RefreshKeys } from "#core/keys/refresh_keys.ts";
import {
  type ChallengeFacts,
  type ChallengeToken,
  challengeTokenToWire,
  newChallenge,
} from "#core/mfa/challenge.ts";
import { offeredFactors, offeredToWire, toOffered } from "#core/mfa/offered_factors.ts";
import { requiresEnrolment } from "#core/mfa/policy.ts";
import { finishStoppedActivations } from "#core/mfa/stopped_activations.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { MfaChallenge } from "#core/repositories/mfa_challenges.ts";
import type { MfaFactor } from "#core/repositories/mfa_factors.ts";
import type { Redemption } from "#core/repositories/redeemable.ts";
import type { ResetChannel } from "#core/repositories/reset_channel.ts";
import type { User } from "#core/repositories/users.ts";
import { newSecret } from "#core/secrets.ts";
import { deriveRefreshToken } from "#core/sessions/refresh_token.ts";
import type { SecondFactorCheck } from "#core/sessions/second_factor_check.ts";

export type SecondFactorCore = Pick<
  Core,
  "identifiers" | "log" | "mfaChallenges" | "mfaFactors" | "users"
> & {
  refreshKeys: RefreshKeys;
};

/** A first factor that was correct. */
export interface FirstFactor
  extends Pick<ChallengeFacts, "sessionId" | "rootGrant" | "amr" | "device" | "deviceId" | "beakId"> {
  client: OAuthClient;
  /** As it was read after `authTime`; null: the sign-in creates the user. */
  user: Pick<User, "mayHaveFactors" | "roles"> | null;
  /** What signs in. An account at an OAuth provider is no identifier: only its user is known. */
  identifier: Pick<Identifier, "userId"> &
    Partial<Pick<Identifier, "_id" | "identifierType" | "identifierValue">>;
  /** The account at an OAuth provider that signs in; undefined: something else does. */
  oauthIdentityId?: string;
  /** The account that the person chose; undefined: the default account. */
  accountId: string | undefined;
  mustChangePassword?: boolean;
  /** The channel by which a reset set the password; undefined: it was set otherwise. */
  resetBy?: ResetChannel | undefined;
  /** When it was presented first, ISO. A repeated request has the same time. */
  authTime: string;
  /**
   * The redemption of a link or code, and its secret: a repeated request gets the same challenge. Null for a password, which proves
   * the person each time.
   */
  redeemed: { redemption: Redemption; secret: string } | null;
}

/**
 * Decides whether a first factor signs its user in, at every version date. Every grant calls it before it issues a session. A user
 * with a factor must present it; a user whom a policy requires to have one must create it first. For users without a factor it
 * reads nothing.
 * @param conclude makes the writes that the first factor alone justifies, before the challenge is returned
 * @throws NestError mfa_required, mfa_enrollment_required, unavailable; what `conclude` throws
 */
export async function passSecondFactor(
  core: SecondFactorCore,
  first: FirstFactor,
  conclude: () => Promise<unknown>,
): Promise<SecondFactorCheck> {
  const { client, user, identifier } = first;
  const { userId } = identifier;
  const [factors, identifiers] = user?.mayHaveFactors
    ? await Promise.all([core.mfaFactors.listActive(userId), core.identifiers.listByUser(userId)])
    : [[], []];
  await finishStoppedActivations(core, factors, first.authTime);
  const isMissing = factors.length === 0 && requiresEnrolment(client, user);
  if (factors.length === 0 && !isMissing) return "none";
  await conclude();
  throw await challenge(core, first, { factors, identifiers });
}

async function challenge(
  core: SecondFactorCore,
  first: FirstFactor,
  { factors, identifiers }: { factors: readonly MfaFactor[]; identifiers: readonly Identifier[] },
): Promise<NestError> {
  const purpose: MfaChallenge["purpose"] = factors.length === 0 ? "enrol" : "sign_in";
  const token = tokenOf(core, first);
  const created = newChallenge(token, factsOf(first, purpose), new Date(first.authTime));
  await core.mfaChallenges.insertIfAbsent(created);
  const meta = { mfa_token: challengeTokenToWire(token), expires_at: created.expiresAt };
  core.log.info("second_factor_required", { user_id: created.userId, client_id: created.clientId, purpose });
  if (purpose === "enrol") return new NestError("mfa_enrollment_required", { meta });
  const usable = offeredFactors(factors, created, first.client.passkeys);
  const offered = offeredToWire(toOffered(usable, identifiers));
  return new NestError("mfa_required", { meta: { ...meta, factors: offered } });
}

function tokenOf({ refreshKeys }: SecondFactorCore, { redeemed }: FirstFactor): ChallengeToken {
  if (redeemed === null) return { id: newId("mfaChallenge"), secret: newSecret() };
  const { redemption, secret } = redeemed;
  const id = derivedIdOf(redemption.sessionId, "mfaChallenge");
  return deriveRefreshToken(refreshKeys, redemption, id, secret);
}

function factsOf(first: FirstFactor, purpose: MfaChallenge["purpose"]): ChallengeFacts {
  const { client, identifier, sessionId, rootGrant, amr, device, deviceId, beakId } = first;
  const { _id: identifierId = "", userId, identifierType = null, identifierValue = "" } = identifier;
  return {
    ...{ purpose, userId, clientId: client.id, sessionId, identifierId, identifierType, identifierValue },
    ...{ rootGrant, amr: [...amr], device, deviceId, beakId },
    ...(first.oauthIdentityId !== undefined && { oauthIdentityId: first.oauthIdentityId }),
    ...(first.accountId !== undefined && { accountId: first.accountId }),
    ...(first.resetBy !== undefined && { resetBy: first.resetBy }),
    ...(first.mustChangePassword && { mustChangePassword: true as const }),
  };
}
