import { optional, type output } from "zod/mini";
import type { Call } from "#core/call.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import { NestError } from "#core/errors.ts";
import { auditNow } from "#core/events/audit_row.ts";
import { signInFailed } from "#core/events/sign_in_events.ts";
import { networkOf } from "#core/network.ts";
import { refuseIfOver } from "#core/rate_limits/verdict.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { User } from "#core/repositories/users.ts";
import type { Verification, VerificationPurpose } from "#core/repositories/verifications.ts";
import { hashSecret } from "#core/secrets.ts";
import { mayNotSignIn } from "#core/sessions/session_state.ts";
import { settleAll } from "#core/settle.ts";
import { signInToAccount } from "#core/sign_in/chosen_account.ts";
import { type CodeTokens, signInWithCode } from "#core/sign_in/code_sign_in.ts";
import {
  type CodeGrantCore,
  type CodeSignIn,
  type CorrectCode,
  newUserIdOf,
} from "#core/sign_in/redeem_code.ts";
import { withFailureRecorded } from "#core/verifications/attempt.ts";
import { codeDevice, readCodeDevice } from "#core/verifications/code_device.ts";
import { identityOf } from "#core/verifications/code_request.ts";
import {
  type CountedCode,
  countPresentedCode,
  releaseCorrectCode,
} from "#core/verifications/failure_limits.ts";
import { findPresented } from "#core/verifications/redeem_verification.ts";
import { invalidBody, text, typedAddress } from "#core/wire.ts";

interface OtpRequest {
  client_id: string;
  token?: string | undefined;
  identifier_value?: string | undefined;
  nonce?: string | undefined;
  code?: string | undefined;
  device?: output<typeof codeDevice> | undefined;
  account_id?: string | undefined;
}

/** The purposes of the codes that sign in. */
const SIGN_IN_PURPOSES: readonly VerificationPurpose[] = ["sign_in", "register"];
/** The purposes of the links that sign in. */
const LINK_PURPOSES: readonly VerificationPurpose[] = ["sign_in"];

/** A code that `send_otp` sent by SMS or mail, with the nonce that it returned, or the token of a link that it mailed. */
export const otp = {
  grantType: "otp",
  parameters: {
    nonce: optional(text()),
    code: optional(text()),
    token: optional(text()),
    identifier_value: optional(typedAddress()),
    device: optional(codeDevice),
    account_id: optional(text()),
  },
  redeem: (core: CodeGrantCore, request: OtpRequest, call: Call): Promise<CodeTokens> =>
    request.token === undefined
      ? presentCode(core, request, call)
      : redeemToken(core, { ...request, token: request.token }, call),
} as const;

/**
 * Signs a user in with the token of a mailed link. Nothing binds the link to the device that requested it, so only clients
 * that list `otp_link` accept it. If the request names an address, it must be that of the link. Tokens that are unknown, used,
 * expired or another client's get the same error as codes.
 * @throws NestError validation_failed, client_not_found, grant_not_allowed, verification_not_found, rate_limited if the
 *   network has presented too many wrong tokens, unavailable
 */
async function redeemToken(
  core: CodeGrantCore,
  { client_id, token, identifier_value: named, nonce, code, ...asked }: OtpRequest & { token: string },
  call: Call,
): Promise<CodeTokens> {
  if (nonce !== undefined || code !== undefined) throw invalidBody("needs either token, or nonce and code");
  const client = core.oauthClients.requireGrant(client_id, "otp_link");
  // A link must not be used up when no token can be signed.
  await core.signer.key();
  const now = core.clock.now();
  const accepted = { purposes: LINK_PURPOSES, clientId: client.id, now };
  const verification = await findPresented(core, { token }, accepted, call);
  const { identifierType, identifierValue } = verification;
  if (named !== undefined && identityOf(named) !== identifierValue) throw notFound();
  const { identifier, user } = await core.identifiers.findWithUser(identifierType, identifierValue);
  if (identifier !== null && mayNotSignIn(user)) {
    // The token can be presented any number of times.
    const refused = { userId: identifier.userId, cause: "disabled", isOnce: true } as const;
    await auditNow(
      core,
      signInFailed(verification, refused, call, now.toISOString()),
      "verification_not_found",
    );
    throw notFound();
  }
  // The user was removed after the link was sent.
  if (identifier === null && client.registration === "closed") throw notFound();
  const presented = { client, secret: token, amr: ["link"], ...readDevice(asked) } as const;
  const signIn: CodeSignIn = { ...presented, accountId: asked.account_id, now, call };
  return complete(core, { verification, identifier, user, counted: null }, signIn);
}

/**
 * Signs a user in with a code. Every presented code is counted before it is compared: on its verification, which allows
 * five, and for its identifier. Codes that are unknown, wrong, used, expired or without attempts left get the same error, so
 * that it reveals nothing about the code or the person.
 * @throws NestError nonce_missing, code_missing, client_not_found, grant_not_allowed, verification_not_found,
 *   account_not_found, rate_limited, unavailable
 */
async function presentCode(core: CodeGrantCore, request: OtpRequest, call: Call): Promise<CodeTokens> {
  const { nonce, code } = request;
  if (nonce === undefined) throw new NestError("nonce_missing");
  if (code === undefined) throw new NestError("code_missing");
  const client = core.oauthClients.requireGrant(request.client_id, "otp");
  // A code must not be used up when no token can be signed.
  await core.signer.key();
  const now = core.clock.now();
  const device = readDevice(request);
  const verification = await requireOpen(core, { client, nonce, now }, call);
  const { beakId } = device;
  const { counted, identifier, user } = await countCode(core, verification, { beakId, call });
  const isCorrect = core.codeKey.matches(verification._id, code, verification.codeHash);
  if (!isCorrect || mayNotSignIn(user)) {
    // If there is no user, the row names the user that the code would create, so that both cases take the same steps.
    const userId = identifier?.userId ?? newUserIdOf(verification);
    const refused = { userId, ...(isCorrect && { cause: "disabled" as const }) };
    const failed = signInFailed(verification, refused, call, now.toISOString());
    await auditNow(core, failed, "verification_not_found");
    throw notFound();
  }
  // Registration was closed after the code was sent, or somebody guessed a code that was never sent.
  if (identifier === null && client.registration === "closed") throw notFound();
  const presented = { client, secret: nonce, amr: ["otp"], ...device } as const;
  const signIn: CodeSignIn = { ...presented, accountId: request.account_id, now, call };
  return complete(core, { verification, identifier, user, counted }, signIn);
}

const readDevice = ({ device }: Pick<OtpRequest, "device">) => ({
  ...readCodeDevice(device),
  beakId: device?.beak_id ?? null,
});

/** Signs in with a correct code or token. @throws NestError account_not_found, and all of `signInWithCode` */
function complete(core: CodeGrantCore, correct: CorrectCode, signIn: CodeSignIn): Promise<CodeTokens> {
  const { accountId, now, call } = signIn;
  const { verification, identifier, counted } = correct;
  const userId = identifier?.userId ?? newUserIdOf(verification);
  const failed = () => signInFailed(verification, { userId }, call, now.toISOString());
  const chosen = {
    ...{ accountId, findIdentifier: async () => identifier, provesIdentifier: true },
    // Codes allow five attempts; the tokens of links allow any number, so their refusals get no row.
    ...(counted && {
      recordRefusal: () =>
        settleAll([releaseCorrectCode(core, counted), auditNow(core, failed(), "account_not_found")]),
    }),
  };
  const recordFailure = () => core.verifications.recordFailedRedemption(verification._id, now.toISOString());
  return withFailureRecorded(recordFailure, () =>
    signInToAccount(core, chosen, call, () => signInWithCode(core, correct, signIn)),
  );
}

const notFound = () => new NestError("verification_not_found");

/** @throws NestError verification_not_found; rate_limited if the network has presented too many unknown nonces */
async function requireOpen(
  core: CodeGrantCore,
  { client, nonce, now }: { client: OAuthClient; nonce: string; now: Date },
  call: Call,
): Promise<Verification> {
  const found = await core.verifications.countAttempt(hashSecret(nonce), SIGN_IN_PURPOSES, now.toISOString());
  if (found?.clientId === client.id) return found;
  refuseIfOver([await core.rateLimiter.countOne("failures_per_network", networkOf(call.ip))]);
  throw notFound();
}

/** Counts the code for its identifier, and reads the identifier and its user meanwhile. @throws NestError rate_limited, unavailable */
async function countCode(
  core: CodeGrantCore,
  { identifierType, identifierValue }: Verification,
  presenter: { beakId: string | null; call: Call },
): Promise<{ counted: CountedCode; identifier: Identifier | null; user: User | null }> {
  const reading = core.identifiers.findWithUser(identifierType, identifierValue);
  const presented = { identity: identifierValue, ...presenter };
  const identified = reading.then(({ identifier }) => identifier);
  const [counted, found] = await Promise.all([countPresentedCode(core, presented, identified), reading]);
  return { counted, ...found };
}
