import { optional, type output } from "zod/mini";
import type { RelyingParty } from "#core/app/passkey_settings.ts";
import type { Call } from "#core/call.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import { NestError } from "#core/errors.ts";
import { auditNow } from "#core/events/audit_row.ts";
import { signInFailed } from "#core/events/sign_in_events.ts";
import { networkOf } from "#core/network.ts";
import type { Refusal } from "#core/passkeys/client_data.ts";
import { type Assertion, assertion } from "#core/passkeys/credential.ts";
import { usePasskey } from "#core/passkeys/use_passkey.ts";
import { refuseIfOver } from "#core/rate_limits/verdict.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { MfaFactor } from "#core/repositories/mfa_factors.ts";
import type { PasskeyChallenge } from "#core/repositories/passkey_challenges.ts";
import type { TokenPair } from "#core/sessions/issue_session.ts";
import { mayNotSignIn } from "#core/sessions/session_state.ts";
import { signInToAccount } from "#core/sign_in/chosen_account.ts";
import { requireFields } from "#core/sign_in/grants/required_fields.ts";
import { partyOf } from "#core/sign_in/passkey_challenge.ts";
import { type PasskeyGrantCore, signInWithPasskey } from "#core/sign_in/passkey_sign_in.ts";
import { primaryOf } from "#core/users/email_of.ts";
import { withFailureRecorded } from "#core/verifications/attempt.ts";
import { codeDevice, readCodeDevice } from "#core/verifications/code_device.ts";
import { text } from "#core/wire.ts";

interface PasskeyRequest {
  client_id: string;
  challenge_id?: string | undefined;
  credential?: Assertion | undefined;
  device?: output<typeof codeDevice> | undefined;
  account_id?: string | undefined;
}

/** A passkey, which takes the place of both factors: its owner has it, and it has verified them. */
export const webauthn = {
  grantType: "webauthn",
  parameters: {
    challenge_id: optional(text()),
    credential: optional(assertion),
    device: optional(codeDevice),
    account_id: optional(text()),
  },
  redeem: redeemPasskey,
} as const;

/**
 * Signs a user in with a passkey that names them. A challenge works once. If the response was lost, the same request gets the same
 * session and refresh token, as with a link.
 * @throws NestError validation_failed, client_not_found, grant_not_allowed, passkey_challenge_expired, passkey_failed, account_not_found,
 *   rate_limited if the network has presented too many wrong signatures, unavailable
 */
async function redeemPasskey(
  core: PasskeyGrantCore,
  request: PasskeyRequest,
  call: Call,
): Promise<TokenPair> {
  const { challenge_id, credential } = requireFields(request, ["challenge_id", "credential"]);
  const client = core.oauthClients.requireGrant(request.client_id, "webauthn");
  const party = partyOf(client);
  // A challenge must not be used up when no token can be signed.
  await core.signer.key();
  const now = core.clock.now();
  const named = { rpId: party.rpId, credentialId: credential.id };
  const [challenge, factor] = await Promise.all([
    core.passkeyChallenges.findOpen(challenge_id, now.toISOString()),
    core.mfaFactors.findByPasskey(named),
  ]);
  if (challenge?.clientId !== client.id) {
    await countFailure(core, call);
    throw new NestError("passkey_challenge_expired");
  }
  if (factor === null) throw await refuse(core, { client, challenge, factor, reason: "unknown" }, call);
  const presented = { client, party, challenge, factor, credential };
  const identifier = await verifyOwner(core, presented, { now, call });
  const owner = { userId: factor.userId, verifiedAt: identifier?.verifiedAt ?? null };
  const recordFailure = () => core.passkeyChallenges.recordFailedRedemption(challenge._id, now.toISOString());
  const { device } = request;
  const signIn = {
    ...{ client, challenge, factor, identifier, secret: credential.response.signature, now, call },
    ...{ ...readCodeDevice(device), beakId: device?.beak_id ?? null, accountId: request.account_id },
  };
  const chosen = {
    accountId: signIn.accountId,
    findIdentifier: async () => owner,
    provesIdentifier: false,
  };
  return withFailureRecorded(recordFailure, () =>
    signInToAccount(core, chosen, call, () => signInWithPasskey(core, signIn)),
  );
}

/** A signature, and the passkey and the challenge that it should be of. */
interface Presented {
  client: OAuthClient;
  party: RelyingParty;
  challenge: PasskeyChallenge;
  factor: MfaFactor;
  credential: Assertion;
}

/**
 * Verifies a signature, and that the owner of the passkey may sign in.
 * @returns the identifier with which the devices of the user are remembered; null if the user has none, such as a user who has only an
 *   account at an OAuth provider
 * @throws NestError passkey_failed, rate_limited, unavailable
 */
async function verifyOwner(
  core: PasskeyGrantCore,
  { client, party, challenge, factor, credential }: Presented,
  { now, call }: { now: Date; call: Call },
): Promise<Identifier | null> {
  const [identifier, user] = await Promise.all([identifierOf(core, factor), core.users.find(factor.userId)]);
  const { challengeHash, _id: by } = challenge;
  const reason = await usePasskey(core, factor, credential, { party, challengeHash, by, isAlone: true, now });
  if (reason === null && user !== null && !mayNotSignIn(user)) return identifier;
  const isDisabled = reason === null && user?.status === "disabled";
  throw await refuse(core, { client, challenge, factor, reason: reason ?? "user", isDisabled }, call);
}

/** The user's primary address or number. */
async function identifierOf(core: PasskeyGrantCore, { userId }: MfaFactor): Promise<Identifier | null> {
  const identifiers = await core.identifiers.listByUser(userId);
  return primaryOf(identifiers, "email") ?? primaryOf(identifiers, "phone");
}

/** A signature that is refused. */
interface Refused {
  client: OAuthClient;
  challenge: PasskeyChallenge;
  /** null: no user has the passkey. */
  factor: MfaFactor | null;
  reason: Refusal;
  /** Whether the signature was correct, and the user is disabled. */
  isDisabled?: boolean;
}

/**
 * Counts and records the refusal. The error has no reason, so that a stranger learns nothing about a passkey.
 * @throws NestError rate_limited, unavailable
 */
async function refuse(
  core: PasskeyGrantCore,
  { client, challenge, factor, reason, isDisabled = false }: Refused,
  call: Call,
): Promise<NestError> {
  await countFailure(core, call);
  core.log.info("passkey_refused", {
    client_id: client.id,
    reason,
    ...(factor && { user_id: factor.userId }),
  });
  const at = core.clock.now().toISOString();
  if (factor !== null) {
    const refused = { userId: factor.userId, ...(isDisabled && { cause: "disabled" as const }) };
    await auditNow(core, signInFailed(challenge, refused, call, at), "passkey_failed");
  }
  return new NestError("passkey_failed");
}

async function countFailure({ rateLimiter }: PasskeyGrantCore, { ip }: Call): Promise<void> {
  refuseIfOver([await rateLimiter.closed.countOne("failures_per_network", networkOf(ip))]);
}
