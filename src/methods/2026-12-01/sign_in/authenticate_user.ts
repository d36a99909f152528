/**
 * Exchanges a code, a password, a passkey, a second factor or a refresh token for tokens.
 * The code comes from a magic link, an SMS, a mail or a sign-in with an OAuth provider. `token` of a mailed link of `send_otp` replaces
 * the code.
 *
 * A code works once. If the response was lost, the same request gets the same session and refresh token until they are
 * used: a code 5 s after the first attempt while it has not expired, a refresh token at any time. A password starts another
 * session each time. A refresh keeps `auth_time`
 * and `amr` of the sign-in. The access token has them as claims too.
 *
 * With `account_id`, the user acts in that account in this session, also after refreshes; without it, in the user's default account. The
 * session ends when the user is removed from the account. An account of which the user is no member gets `account_not_found`, and the
 * code or link still works.
 *
 * A user with a second factor gets `mfa_required` from every grant but `refresh_token`, at every version date. The grant `mfa` takes
 * `meta.mfa_token` with `factor_id` and `code`, with `credential` of a passkey, or with `recovery_code`. It also completes
 * `create_mfa_challenge`: the session then continues with a new `auth_time` and `amr`, and `refresh_token` is null, because the session
 * keeps its refresh token.
 *
 * The grant `webauthn` takes `challenge_id` of `create_passkey_challenge`, and `credential`. The passkey must verify its user, so it counts
 * as both factors.
 *
 * With `set_cookie`, or if the client's app file has it as the default, the response sets the cookies `__Host-nest_access` and
 * `__Secure-nest_refresh`, and `refresh_token` is null. A refresh without `refresh_token` uses the cookie.
 */
import { boolean, number, enum as oneOf, optional, type output, strictObject } from "zod/mini";
import { CAPTCHA_ERRORS } from "#core/captcha/require_captcha.ts";
import {
  captcha,
  codeKey,
  factorKeys,
  mailer,
  passwordHasher,
  rateLimiter,
  refreshKeys,
  signer,
  texter,
} from "#core/parts.ts";
import {
  GRANT_TYPES_OF_2026,
  grantParametersOf2026,
  grantsOf2026,
} from "#core/sign_in/grants/all_of_2026.ts";
import {
  type IssuedTokens,
  SIGN_IN_ERRORS,
  setCookie,
  tokenFieldsOf2026,
  tokensToWireOf2026,
} from "#core/sign_in/token_response.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({
  client_id: text(),
  grant_type: oneOf(GRANT_TYPES_OF_2026),
  ...grantParametersOf2026,
  set_cookie: setCookie,
});

export const response = strictObject({
  ...tokenFieldsOf2026,
  user_created: optional(boolean()),
  password_change_required: optional(boolean()),
  recovery_codes_left: optional(number()),
});

/** What the grants return: tokens, and what only some of them can tell. */
interface SignedIn extends IssuedTokens {
  userCreated?: boolean;
  passwordChangeRequired?: boolean;
  recoveryCodesLeft?: number;
}

export const handler = rpc({
  name: "authenticate_user",
  version: "2026-12-01",
  summary: "Exchanges a code, a password, a passkey, a second factor or a refresh token for tokens.",
  access: "public",
  request,
  response,
  errors: [
    ...SIGN_IN_ERRORS,
    "cookies_not_enabled",
    "nonce_missing",
    "grant_not_allowed",
    "verification_not_found",
    "invalid_identifier",
    "invalid_credentials",
    "account_not_found",
    "mfa_failed",
    "mfa_token_expired",
    "passkey_challenge_expired",
    "passkey_failed",
    ...CAPTCHA_ERRORS,
  ],
  parts: { captcha, codeKey, factorKeys, mailer, passwordHasher, rateLimiter, refreshKeys, signer, texter },
  async run({ core, request, call, cookies }): Promise<output<typeof response>> {
    const client = core.oauthClients.find(request.client_id);
    const { isKept, refreshToken } = cookies.forSignIn(client, request);
    const asked = { ...request, refresh_token: refreshToken };
    const { userCreated, passwordChangeRequired, recoveryCodesLeft, ...pair }: SignedIn = await grantsOf2026[
      asked.grant_type
    ].redeem(core, asked, call);
    if (client && isKept) cookies.set(client, pair);
    return {
      ...tokensToWireOf2026(pair, isKept),
      // Grants that can't tell say nothing about it.
      ...(userCreated !== undefined && { user_created: userCreated }),
      ...(recoveryCodesLeft !== undefined && { recovery_codes_left: recoveryCodesLeft }),
      ...(passwordChangeRequired !== undefined && { password_change_required: passwordChangeRequired }),
    };
  },
});
