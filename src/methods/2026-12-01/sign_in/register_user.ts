/**
 * Registers a user with an email address or a phone number, and perhaps a password.
 *
 * What happens first depends on the client (`registrationMode`). `verify_first`: a code is sent. Present it with the `nonce` of
 * `verification` to `authenticate_user`, grant `otp`: that creates the user, sets the password and returns the tokens. Until
 * then nobody can sign in with the password. The response is the same if the address has a user, whose owner gets a message
 * without a code. `immediate`: the user is created and signed in at once, and an address that has a user is `identifier_taken`.
 *
 * Not idempotent. If an immediate registration fails with a status of 500 or above, repeat it unchanged.
 */
import {
  array,
  boolean,
  literal,
  nullable,
  number,
  optional,
  type output,
  refine,
  strictObject,
  string,
} from "zod/mini";
import { CAPTCHA_ERRORS, captchaToken, requireCaptcha } from "#core/captcha/require_captcha.ts";
import {
  breachedPasswords,
  captcha,
  codeKey,
  mailer,
  passwordHasher,
  rateLimiter,
  signer,
  texter,
} from "#core/parts.ts";
import { typedPassword } from "#core/passwords/password_text.ts";
import { readRegistration } from "#core/sign_in/registration/read_registration.ts";
import { register } from "#core/sign_in/registration/register.ts";
import { registrationToWire } from "#core/sign_in/registration/registration_response.ts";
import { codeDevice } from "#core/verifications/code_device.ts";
import { targetType } from "#core/verifications/target_type.ts";
import { nameText, text, typedAddress } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

const NAME_LENGTH = 128;
const flag = optional(boolean());

export const request = strictObject({
  client_id: text(),
  identifier_type: targetType,
  identifier_value: typedAddress(),
  password: optional(typedPassword()),
  name: optional(nameText(NAME_LENGTH)),
  account_name: optional(nameText(NAME_LENGTH)),
  phone_number: optional(text()),
  redirect_uri: optional(text()),
  captcha_token: captchaToken,
  device: optional(codeDevice),
  options: optional(
    strictObject({
      send_email: flag,
      send_sms: flag,
      set_cookie: flag,
      send_reset_email: flag,
      verify_email: flag,
    }),
  ),
}).check(
  refine(
    ({ options, phone_number, identifier_type }) =>
      !options?.send_sms || identifier_type === "phone" || phone_number !== undefined,
    "options.send_sms requires phone_number",
  ),
);

export const response = strictObject({
  verification: nullable(strictObject({ nonce: string(), expires_at: string(), delivery: string() })),
  access_token: nullable(string()),
  token_type: nullable(literal("bearer")),
  expires_in: nullable(number()),
  expires_at: nullable(string()),
  refresh_token: nullable(string()),
  user_id: nullable(string()),
  account_id: nullable(string()),
  client_id: string(),
  session_id: nullable(string()),
  auth_time: nullable(string()),
  amr: nullable(array(string())),
  user_created: nullable(boolean()),
});

export const handler = rpc({
  name: "register_user",
  version: "2026-12-01",
  summary: "Registers a user, at once or after a code verifies the address.",
  access: "public",
  request,
  response,
  errors: [
    "client_not_found",
    "grant_not_allowed",
    "registration_disabled",
    "cookies_not_enabled",
    "invalid_identifier",
    "country_not_allowed",
    "invalid_redirect_uri",
    "password_not_acceptable",
    "identifier_taken",
    "rate_limited",
    "delivery_failed",
    ...CAPTCHA_ERRORS,
  ],
  parts: { breachedPasswords, captcha, codeKey, mailer, passwordHasher, rateLimiter, signer, texter },
  async run({ core, request: asked, call, cookies }): Promise<output<typeof response>> {
    const registration = readRegistration(core, asked);
    const { client } = registration;
    await requireCaptcha(core, client, { method: "register_user", token: asked.captcha_token }, call);
    // Unlike a sign-in, a registration sets cookies only if the request says so.
    const { isKept } = cookies.forSignIn(client, { set_cookie: asked.options?.set_cookie === true });
    const outcome = await register(core, registration, call);
    if (isKept && outcome.registered) cookies.set(client, outcome.registered.pair);
    return registrationToWire(client, outcome, isKept);
  },
});
