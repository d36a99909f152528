import { toDataURL } from "qrcode";
import type { Call } from "#core/call.ts";
import { MINUTE, plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import type { FactorOwner } from "#core/factors/factor_owner.ts";
import { judgeNewFactor, ownAddress } from "#core/factors/judge_factor.ts";
import { sendFactorCode } from "#core/factors/send_factor_code.ts";
import { followsSomeWayIn, type ReachCore } from "#core/factors/ways_in.ts";
import { newId } from "#core/ids.ts";
import type { FactorKeys } from "#core/mfa/factor_keys.ts";
import { hintOf } from "#core/mfa/offered_factors.ts";
import { newSeed, uriOf } from "#core/mfa/totp.ts";
import { newPasskeyChallenge, optionsToCreate } from "#core/passkeys/ceremony.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { FactorType, MfaFactor } from "#core/repositories/mfa_factors.ts";
import { purgeVerificationAfter } from "#core/retention.ts";
import { unauthorized } from "#core/sessions/access_token.ts";
import type { ChannelCore } from "#core/sign_in/code_channel.ts";
import { emailOf, primaryOf } from "#core/users/email_of.ts";
import type { CodeKey } from "#core/verifications/code_key.ts";
import { readTarget } from "#core/verifications/code_request.ts";
import { invalidBody } from "#core/wire.ts";

/** How long a new factor waits for its first code, in seconds. */
export const ENROL_SECONDS = 15 * MINUTE;

type CreateCore = ChannelCore &
  ReachCore &
  Pick<Core, "mfaFactors" | "users"> & {
    codeKey: CodeKey;
    factorKeys: FactorKeys;
  };

/** The factor that a user asks for. */
export interface AskedFactor {
  factorType: FactorType;
  name: string | null;
  /** As typed; for `sms` only. */
  phoneNumber: string | undefined;
  /** Whether the user knows which programs can't sign them in any more. */
  confirm: boolean;
}

/** A factor that waits for its first code, with what its user needs to make one. */
export interface CreatedFactor {
  factor: MfaFactor;
  /** Of an authenticator app; null for other types. It is shown once. */
  app: { seed: string; uri: string; picture: string } | null;
  /** What the browser makes a passkey with; null for other types. */
  passkeyOptions: ReturnType<typeof optionsToCreate> | null;
  /** Where the code went; null for an authenticator app and a passkey. */
  hint: string | null;
}

/**
 * Creates a factor, which counts only once its user has presented a code of it (`verifyFactor`). It takes the place of one of the
 * same type that waits.
 * @throws NestError factor_type_not_allowed, own_address_not_verified, too_many_factors, mfa_confirmation_required,
 *   factor_repeats_sign_in if it is of the same channel as every way in which the user can sign in, invalid_identifier,
 *   country_not_allowed, mfa_token_expired, rate_limited, delivery_failed, unavailable; unauthorized if the user does not exist any more
 */
export async function createFactor(
  core: CreateCore,
  owner: FactorOwner,
  asked: AskedFactor,
  call: Call,
): Promise<CreatedFactor> {
  const { userId } = owner;
  const [factors, identifiers] = await Promise.all([
    core.mfaFactors.listOfUser(userId),
    core.identifiers.listByUser(userId),
  ]);
  judgeNewFactor({ owner, factors, identifiers, clients: core.oauthClients.list() }, asked);
  const factor = newFactor(core, owner, asked, identifiers);
  if (!(await followsSomeWayIn(core, factor, identifiers))) throw new NestError("factor_repeats_sign_in");
  // Before the factor: no sign-in may miss it.
  if (!(await core.users.markFactors(userId))) throw unauthorized("token_revoked");
  await core.mfaFactors.dropPending(userId, { factorType: asked.factorType });
  const account = emailOf(identifiers) ?? primaryOf(identifiers, "phone")?.identifierValue ?? userId;
  if (asked.factorType === "totp") return addApp(core, factor, account);
  if (asked.factorType === "webauthn") return addPasskey(core, owner, factor, { account, factors });
  const code = core.codeKey.newCode();
  const stored = { ...factor, codeHash: core.codeKey.hash(factor._id, code) };
  await sendFactorCode(
    core,
    { client: owner.client, factor, device: null, code },
    () => core.mfaFactors.insert(stored),
    call,
  );
  return { factor: stored, app: null, passkeyOptions: null, hint: hintOf(factor.identifierValue ?? "") };
}

function newFactor(
  core: Pick<CreateCore, "clock">,
  { userId, client }: FactorOwner,
  { factorType, name, phoneNumber }: AskedFactor,
  identifiers: readonly Identifier[],
): MfaFactor {
  if ((factorType === "sms") !== (phoneNumber !== undefined))
    throw invalidBody("needs phone_number for the type sms, and for no other");
  const now = core.clock.now();
  const expiresAt = plusSeconds(now, ENROL_SECONDS);
  const target = phoneNumber === undefined ? null : readTarget(client, "phone", phoneNumber);
  return {
    ...{ _id: newId("mfaFactor"), userId, factorType, name, status: "pending", attempts: 0 },
    ...(target && { identifierValue: target.identity, country: target.country }),
    ...(factorType === "email" && { identifierValue: ownAddress(identifiers), country: null }),
    ...{ createdAt: now.toISOString(), expiresAt: expiresAt.toISOString(), activatedAt: null },
    ...{ lastUsedAt: null, removedAt: null, purgeAt: purgeVerificationAfter(expiresAt) },
  };
}

async function addApp(core: CreateCore, factor: MfaFactor, account: string): Promise<CreatedFactor> {
  const seed = newSeed();
  const uri = uriOf(seed, { issuer: core.app.name, account });
  const stored = { ...factor, seed: core.factorKeys.seal(factor.userId, seed) };
  const [picture] = await Promise.all([toDataURL(uri), core.mfaFactors.insert(stored)]);
  return { factor: stored, app: { seed, uri, picture }, passkeyOptions: null, hint: null };
}

async function addPasskey(
  core: Pick<CreateCore, "app" | "mfaFactors">,
  { client, userId }: FactorOwner,
  factor: MfaFactor,
  { account: name, factors }: { account: string; factors: readonly MfaFactor[] },
): Promise<CreatedFactor> {
  // `judgeNewFactor` has checked it.
  if (client.passkeys === null) throw new NestError("factor_type_not_allowed");
  const { rpId } = client.passkeys;
  const challenge = newPasskeyChallenge();
  const passkeys = factors.flatMap(({ passkey }) => (passkey?.rpId === rpId ? [passkey] : []));
  const passkeyOptions = optionsToCreate(
    client.passkeys,
    core.app.name,
    { userId, name, passkeys },
    challenge,
  );
  const stored = { ...factor, challengeHash: challenge.hash };
  await core.mfaFactors.insert(stored);
  return { factor: stored, app: null, passkeyOptions, hint: null };
}
