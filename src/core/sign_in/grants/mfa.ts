import { optional } from "zod/mini";
import type { Call } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { challengeEnded, requireChallenge } from "#core/mfa/challenge.ts";
import { type PresentCore, type PresentedFactor, presentFactor } from "#core/mfa/present_factor.ts";
import { type Assertion, assertion } from "#core/passkeys/credential.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { MfaChallenge } from "#core/repositories/mfa_challenges.ts";
import type { TokenPair } from "#core/sessions/issue_session.ts";
import { type ChosenAccountCore, signInToAccount } from "#core/sign_in/chosen_account.ts";
import { requireFields } from "#core/sign_in/grants/required_fields.ts";
import { type FinishCore, finishSignIn, type SecondStep } from "#core/sign_in/second_step.ts";
import { stepUp } from "#core/sign_in/step_up.ts";
import type { IssuedTokens } from "#core/sign_in/token_response.ts";
import { withFailureRecorded } from "#core/verifications/attempt.ts";
import { invalidBody, text } from "#core/wire.ts";

interface MfaRequest {
  client_id: string;
  mfa_token?: string | undefined;
  factor_id?: string | undefined;
  code?: string | undefined;
  recovery_code?: string | undefined;
  credential?: Assertion | undefined;
}

export type MfaGrantCore = FinishCore &
  PresentCore &
  ChosenAccountCore &
  Pick<Core, "oauthIdentities" | "users">;

/** The tokens of a second step. */
export interface MfaTokens extends IssuedTokens {
  /** The recovery codes that are left, if one was used. */
  recoveryCodesLeft?: number;
  /** Whether the user must set another password, if one was the first factor. */
  passwordChangeRequired?: boolean;
}

/** A second factor, with the token of the first. */
export const mfa = {
  grantType: "mfa",
  parameters: {
    mfa_token: optional(text()),
    factor_id: optional(text()),
    recovery_code: optional(text()),
    credential: optional(assertion),
  },
  redeem: redeemFactor,
} as const;

/**
 * Completes a sign-in or a step-up with the second factor. One of any number of simultaneous calls gets the tokens. If the response
 * was lost, the same request gets the same session and refresh token, as with a link.
 * @throws NestError validation_failed, client_not_found, grant_not_allowed, mfa_token_expired, mfa_failed, account_not_found,
 *   rate_limited, unavailable
 */
async function redeemFactor(core: MfaGrantCore, request: MfaRequest, call: Call): Promise<MfaTokens> {
  const { mfa_token: token } = requireFields(request, ["mfa_token"]);
  const presented = readPresented(request);
  const client = core.oauthClients.requireGrant(request.client_id, "mfa");
  // A code must not be used up when no token can be signed.
  await core.signer.key();
  const now = core.clock.now();
  const accepted = { clientId: client.id, purposes: ["sign_in", "step_up"], now } as const;
  const { challenge, secret } = await requireChallenge(core, token, accepted, call);
  const reading = firstIdentifier(core, challenge);
  // A call that is refused before it waits for the read must not crash the process if the read fails.
  reading.catch(() => undefined);
  const correct = await presentFactor(core, challenge, presented, {
    reading,
    party: client.passkeys,
    now,
    call,
  });
  const recordFailure = () => core.mfaChallenges.recordFailedRedemption(challenge._id, now.toISOString());
  return withFailureRecorded(recordFailure, async () => {
    const step = { client, challenge, correct, now, call };
    const tokens = await (challenge.purpose === "step_up"
      ? stepUp(core, step)
      : signIn(core, { ...step, secret }, reading));
    return {
      ...tokens,
      ...(challenge.mustChangePassword && { passwordChangeRequired: true }),
      ...(correct.codesLeft !== null && { recoveryCodesLeft: correct.codesLeft }),
    };
  });
}

/** Starts the session, in the account that the first step chose. @throws NestError account_not_found, mfa_token_expired, unavailable */
async function signIn(
  core: MfaGrantCore,
  step: SecondStep & { secret: string },
  reading: Promise<Identifier | null>,
): Promise<TokenPair> {
  const identifier = await reading;
  const { accountId, identifierId, userId } = step.challenge;
  // It was removed after the first step.
  if (!identifier && identifierId !== "") throw challengeEnded();
  const owner = { userId, verifiedAt: identifier?.verifiedAt ?? null };
  const chosen = { accountId, findIdentifier: async () => owner, provesIdentifier: false };
  return signInToAccount(core, chosen, step.call, () => finishSignIn(core, { ...step, identifier }));
}

/** @throws NestError validation_failed unless a factor with a code, a signature of a passkey, or a recovery code is given */
function readPresented({ factor_id, code, recovery_code, credential }: MfaRequest): PresentedFactor {
  const given = [factor_id ?? code, recovery_code, credential].filter((one) => one !== undefined);
  if (given.length === 1) {
    if (recovery_code !== undefined) return { recoveryCode: recovery_code };
    if (credential !== undefined) return { assertion: credential };
    if (factor_id !== undefined && code !== undefined) return { factorId: factor_id, code };
  }
  throw invalidBody("needs factor_id and code, or credential, or recovery_code");
}

async function firstIdentifier(
  core: Pick<Core, "identifiers">,
  { userId, identifierId, purpose }: MfaChallenge,
) {
  if (purpose === "step_up") return null;
  const identifiers = await core.identifiers.listByUser(userId);
  const active = identifiers.filter(({ removedAt }) => removedAt === null);
  // After an account at an OAuth provider, any verified address gets the notices.
  const isFirst = ({ _id, verifiedAt }: Identifier) =>
    identifierId === "" ? verifiedAt !== null : _id === identifierId;
  return active.find(isFirst) ?? null;
}
