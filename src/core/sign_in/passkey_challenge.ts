import type { Call } from "#core/call.ts";
import type { OAuthClient, OAuthClients } from "#core/clients/oauth_clients.ts";
import { plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { newId } from "#core/ids.ts";
import { type ChallengeCore, challengeEnded, requireChallenge } from "#core/mfa/challenge.ts";
import { offeredFactors } from "#core/mfa/offered_factors.ts";
import { networkOf } from "#core/network.ts";
import { CEREMONY_SECONDS, newPasskeyChallenge, optionsToUse } from "#core/passkeys/ceremony.ts";
import { refuseIfOver } from "#core/rate_limits/verdict.ts";

type CeremonyCore = ChallengeCore &
  Pick<Core, "clock" | "mfaFactors" | "passkeyChallenges"> & { oauthClients: OAuthClients };

/** A challenge that a passkey must sign. */
export interface OpenedCeremony {
  /** What the grant `webauthn` names; null: the grant `mfa` names `mfa_token`. */
  challengeId: string | null;
  options: ReturnType<typeof optionsToUse>;
  expiresAt: string;
}

/**
 * Opens a challenge for a sign-in with a passkey. Nobody has said who signs in, so any passkey of the client's domain may sign it.
 * @throws NestError client_not_found, grant_not_allowed, rate_limited, unavailable
 */
export async function openPasskeySignIn(
  core: CeremonyCore,
  clientId: string,
  call: Call,
): Promise<OpenedCeremony> {
  const client = core.oauthClients.requireGrant(clientId, "webauthn");
  const party = partyOf(client);
  refuseIfOver([await core.rateLimiter.countOne("passkey_challenges_per_network", networkOf(call.ip))]);
  const now = core.clock.now();
  const challenge = newPasskeyChallenge();
  const challengeId = newId("passkeyChallenge");
  const expiry = plusSeconds(now, CEREMONY_SECONDS);
  const expiresAt = expiry.toISOString();
  await core.passkeyChallenges.insert({
    ...{ _id: challengeId, clientId: client.id, challengeHash: challenge.hash, identifierValue: "" },
    ...{ createdAt: now.toISOString(), expiresAt, usedAt: null, redemption: null, purgeAt: expiry },
  });
  return { challengeId, options: optionsToUse(party, challenge, null), expiresAt };
}

/**
 * Opens a challenge for a passkey that is the second factor. Only the passkeys of the user may sign it. It replaces an earlier one.
 * @throws NestError client_not_found, grant_not_allowed, mfa_token_expired, factor_not_found, rate_limited, unavailable
 */
export async function openPasskeyStep(
  core: CeremonyCore,
  { clientId, mfaToken }: { clientId: string; mfaToken: string },
  call: Call,
): Promise<OpenedCeremony> {
  const client = core.oauthClients.requireGrant(clientId, "mfa");
  const party = partyOf(client);
  const now = core.clock.now();
  const accepted = { clientId, purposes: ["sign_in", "step_up"], now } as const;
  const { challenge: first } = await requireChallenge(core, mfaToken, accepted, call);
  const factors = offeredFactors(await core.mfaFactors.listActive(first.userId), first, party);
  const passkeys = factors.flatMap(({ passkey }) => passkey ?? []);
  if (passkeys.length === 0) throw new NestError("factor_not_found");
  const challenge = newPasskeyChallenge();
  if (!(await core.mfaChallenges.storePasskeyHash(first._id, challenge.hash, now.toISOString())))
    throw challengeEnded();
  return { challengeId: null, options: optionsToUse(party, challenge, passkeys), expiresAt: first.expiresAt };
}

/** @throws NestError grant_not_allowed if the client has no domain for passkeys */
export function partyOf({ passkeys }: Pick<OAuthClient, "passkeys">) {
  if (passkeys === null) throw new NestError("grant_not_allowed");
  return passkeys;
}
