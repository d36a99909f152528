import { optional, type output } from "zod/mini";
import type { Call } from "#core/call.ts";
import { captchaToken, requireCaptcha } from "#core/captcha/require_captcha.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import { NestError } from "#core/errors.ts";
import { auditNow } from "#core/events/audit_row.ts";
import { passwordRefused } from "#core/events/sign_in_events.ts";
import { newId } from "#core/ids.ts";
import { acceptablePassword } from "#core/passwords/acceptable_password.ts";
import {
  type CountedPassword,
  countPresentedPassword,
  countWithoutUser,
  releaseUncompared,
  resetFailures,
} from "#core/passwords/password_limits.ts";
import { typedPassword } from "#core/passwords/password_text.ts";
import { type PasswordOwner, refusedBecause } from "#core/passwords/refused_because.ts";
import type { Password } from "#core/repositories/passwords.ts";
import { FAILED_PASSWORDS_LIMIT } from "#core/repositories/refused_because.ts";
import { mayNotSignIn } from "#core/sessions/session_state.ts";
import { settleAll } from "#core/settle.ts";
import { signInToAccount } from "#core/sign_in/chosen_account.ts";
import { requireFields } from "#core/sign_in/grants/required_fields.ts";
import {
  type CorrectPassword,
  type PasswordGrantCore,
  type PasswordSignIn,
  type PasswordTokens,
  signInWithPassword,
} from "#core/sign_in/password_sign_in.ts";
import { readIdentity } from "#core/sign_in/typed_identity.ts";
import { codeDevice } from "#core/verifications/code_device.ts";
import { targetType } from "#core/verifications/target_type.ts";
import { text, typedAddress } from "#core/wire.ts";

interface PasswordRequest {
  client_id: string;
  identifier_type?: output<typeof targetType> | undefined;
  identifier_value?: string | undefined;
  password?: string | undefined;
  captcha_token?: string | undefined;
  device?: output<typeof codeDevice> | undefined;
  account_id?: string | undefined;
}

/** An address or number with its password. For the app's own programs only (RFC 9700, section 2.4). */
export const password = {
  grantType: "password",
  parameters: {
    identifier_type: optional(targetType),
    identifier_value: optional(typedAddress()),
    password: optional(typedPassword()),
    captcha_token: captchaToken,
    device: optional(codeDevice),
    account_id: optional(text()),
  },
  redeem: redeemPassword,
} as const;

/**
 * Signs a user in with a password. It is counted before it is compared. An unknown identifier, a user without a password, a
 * locked and a wrong password take the same steps and the same time, and get the same error.
 * @throws NestError validation_failed for a missing field; client_not_found, grant_not_allowed, invalid_identifier,
 *   captcha_required, captcha_failed, captcha_unavailable, invalid_credentials, mfa_required,
 *   mfa_enrollment_required, account_not_found, rate_limited, unavailable
 */
async function redeemPassword(
  core: PasswordGrantCore,
  request: PasswordRequest,
  call: Call,
): Promise<PasswordTokens> {
  const asked = requireFields(request, ["identifier_type", "identifier_value", "password"]);
  const client = core.oauthClients.requireGrant(request.client_id, "password");
  const identity = await readIdentity(asked.identifier_type, asked.identifier_value);
  // A counted attempt must not be spent when no token can be signed.
  await core.signer.key();
  const startedAt = core.clock.now();
  const beakId = request.device?.beak_id ?? null;
  const reading = core.identifiers.findWithPassword(asked.identifier_type, identity);
  const identified = reading.then((found) => found?.identifier ?? null);
  const [counted, found] = await Promise.all([
    countPresentedPassword(core, { identity, beakId, call }, identified),
    reading,
  ]);
  if (counted.isCaptchaDue) await requirePerson(core, { client, counted }, request.captcha_token, call);
  const stored = await countOnPassword(
    core,
    // A disabled user takes the steps of a user without a password.
    found && !mayNotSignIn(found.user) ? acceptablePassword(found.identifier, found.password) : null,
    counted,
  );
  const isCorrect = await core.passwordHasher.matches(asked.password, stored);
  if (found === null || stored === null || !isCorrect)
    throw await refuse(core, { client, found, stored }, call);
  const correct = { password: stored, identifier: found.identifier, user: found.user, counted };
  const { device, account_id: accountId } = request;
  return complete(core, correct, { client, typed: asked.password, device, accountId, startedAt, call });
}

/** Starts the session of a correct password. @throws NestError account_not_found, and all of `signInWithPassword` */
function complete(
  core: PasswordGrantCore,
  correct: CorrectPassword,
  signIn: PasswordSignIn,
): Promise<PasswordTokens> {
  const { password: stored, identifier, counted } = correct;
  const { accountId, call, client, startedAt } = signIn;
  const { userId } = stored;
  const failed = () => passwordRefused({ userId, clientId: client.id }, call, startedAt.toISOString());
  const recordRefusal = () =>
    settleAll([
      core.passwords.acceptPresented(stored, null),
      resetFailures(core, counted),
      auditNow(core, failed(), "account_not_found"),
    ]);
  const found = { findIdentifier: async () => identifier, provesIdentifier: false };
  const chosen = { accountId, ...found, recordRefusal };
  return signInToAccount(core, chosen, call, () => signInWithPassword(core, correct, signIn));
}

/**
 * Requires a CAPTCHA after the wrong passwords that need none, if the client requires one for passwords. A password that is
 * not compared for that reason is no failure.
 * @throws NestError captcha_required, captcha_failed, captcha_unavailable
 */
async function requirePerson(
  core: PasswordGrantCore,
  { client, counted }: { client: OAuthClient; counted: CountedPassword },
  token: string | undefined,
  call: Call,
): Promise<void> {
  try {
    await requireCaptcha(core, client, { method: "authenticate_user", token }, call);
  } catch (refusal) {
    await releaseUncompared(core, counted);
    throw refusal;
  }
}

/** @returns the password to compare with; null if there is none, or it is locked */
async function countOnPassword(
  core: PasswordGrantCore,
  read: Password | null,
  counted: CountedPassword,
): Promise<Password | null> {
  if (read !== null && read.failedCount < FAILED_PASSWORDS_LIMIT)
    return core.passwords.countPresented(read.userId);
  await countWithoutUser(core, counted);
  return null;
}

interface Refused {
  client: OAuthClient;
  found: PasswordOwner | null;
  stored: Password | null;
}

/** Adds a row about the failure to the audit log. Without a user, it names nobody, so that both cases take the same steps. */
async function refuse(
  core: PasswordGrantCore,
  { client, found, stored }: Refused,
  call: Call,
): Promise<NestError> {
  const userId = found?.identifier.userId ?? newId("user");
  const at = core.clock.now().toISOString();
  const refused = { userId, clientId: client.id, cause: refusedBecause(found) };
  await auditNow(core, passwordRefused(refused, call, at), "invalid_credentials");
  if (stored?.failedCount === FAILED_PASSWORDS_LIMIT)
    core.log.warn("password_locked", { security_event: true, user_id: userId, client_id: client.id });
  return new NestError("invalid_credentials");
}
