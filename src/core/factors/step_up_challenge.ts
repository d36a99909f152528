import type { Call, Caller } from "#core/call.ts";
import type { OAuthClient, OAuthClients } from "#core/clients/oauth_clients.ts";
import { plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { sendFactorCode } from "#core/factors/send_factor_code.ts";
import { newId } from "#core/ids.ts";
import {
  type ChallengeCore,
  type ChallengeToken,
  newChallenge,
  requireChallenge,
} from "#core/mfa/challenge.ts";
import { hintOf, type OfferedFactor, offeredFactors, toOffered } from "#core/mfa/offered_factors.ts";
import { sentCodeOwner } from "#core/mfa/present_factor.ts";
import { LIMITS } from "#core/rate_limits/limits.ts";
import { newSecret } from "#core/secrets.ts";
import { unauthorized } from "#core/sessions/access_token.ts";
import { authenticationOf } from "#core/sessions/authentication.ts";
import type { ChannelCore } from "#core/sign_in/code_channel.ts";
import type { CodeKey } from "#core/verifications/code_key.ts";

/** A challenge that waits for a second factor. */
export interface OpenedChallenge {
  token: ChallengeToken;
  factors: OfferedFactor[];
  expiresAt: string;
}

/**
 * Opens a challenge, with which the session of the caller becomes fresh once its person presents a second factor.
 * @throws NestError mfa_not_enabled, unauthorized, unavailable
 */
export async function openStepUp(
  core: Pick<Core, "clock" | "identifiers" | "mfaChallenges" | "mfaFactors" | "sessions">,
  client: OAuthClient,
  { userId, sessionId }: Extract<Caller, { kind: "user" }>,
): Promise<OpenedChallenge> {
  const [session, factors, identifiers] = await Promise.all([
    core.sessions.find(sessionId),
    core.mfaFactors.listActive(userId),
    core.identifiers.listByUser(userId),
  ]);
  if (session === null) throw unauthorized("token_not_found");
  if (factors.length === 0) throw new NestError("mfa_not_enabled");
  const token = { id: newId("mfaChallenge"), secret: newSecret() };
  const { rootGrant, device, deviceId = null } = session;
  const facts = {
    ...{ purpose: "step_up" as const, userId, clientId: client.id, sessionId, rootGrant, device, deviceId },
    ...{ identifierId: "", identifierType: null, identifierValue: "" },
    ...{ amr: [...authenticationOf(session).amr], beakId: device?.beakId ?? null },
  };
  const challenge = newChallenge(token, facts, core.clock.now());
  await core.mfaChallenges.insertIfAbsent(challenge);
  const offered = toOffered(offeredFactors(factors, challenge, client.passkeys), identifiers);
  return { token, factors: offered, expiresAt: challenge.expiresAt };
}

type SendCore = ChannelCore &
  ChallengeCore &
  Pick<Core, "mfaFactors"> & { codeKey: CodeKey; oauthClients: OAuthClients };

/** A code that a person asks for, to complete a challenge. */
export interface AskedCode {
  clientId: string;
  mfaToken: string;
  factorId: string;
}

/**
 * Sends a code to a factor of a challenge. It works for this challenge only, and replaces an earlier code.
 * @throws NestError client_not_found, mfa_token_expired, factor_not_found, country_not_allowed, rate_limited, delivery_failed,
 *   unavailable
 */
export async function sendMfaCode(
  core: SendCore,
  { clientId, mfaToken, factorId }: AskedCode,
  call: Call,
): Promise<{ hint: string; expiresAt: string; resendAt: Date }> {
  const client = core.oauthClients.require(clientId);
  const now = core.clock.now();
  const accepted = { clientId, purposes: ["sign_in", "step_up"], now } as const;
  const { challenge } = await requireChallenge(core, mfaToken, accepted, call);
  const offered = offeredFactors(await core.mfaFactors.listActive(challenge.userId), challenge, null);
  const factor = offered.find(({ _id, factorType }) => _id === factorId && factorType !== "totp");
  if (factor?.identifierValue === undefined) throw new NestError("factor_not_found");
  const code = core.codeKey.newCode();
  const codeHash = core.codeKey.hash(sentCodeOwner(challenge._id, factorId), code);
  const store = async () => {
    const sentCode = { factorId, codeHash, sentAt: now.toISOString() };
    if (!(await core.mfaChallenges.storeCode(challenge._id, sentCode)))
      throw new NestError("mfa_token_expired");
  };
  await sendFactorCode(core, { client, factor, device: challenge.device, code }, store, call);
  return {
    hint: hintOf(factor.identifierValue),
    expiresAt: challenge.expiresAt,
    resendAt: plusSeconds(now, LIMITS.codes_per_identifier.seconds),
  };
}
