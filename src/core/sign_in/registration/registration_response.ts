import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import type { RegistrationOutcome } from "#core/sign_in/registration/register.ts";
import { tokensToWireOf2026 } from "#core/sign_in/token_response.ts";

const NO_TOKENS = {
  ...{ access_token: null, token_type: null, expires_in: null, expires_at: null, refresh_token: null },
  ...{ user_id: null, account_id: null, session_id: null, auth_time: null, amr: null, user_created: null },
};

/**
 * Translates a registration to wire names. It has the same fields in every case.
 * @param isKept whether the refresh token is in a cookie
 */
export function registrationToWire(
  { id: client_id }: Pick<OAuthClient, "id">,
  { verification: sent, registered }: RegistrationOutcome,
  isKept: boolean,
) {
  const verification =
    sent === null ? null : { nonce: sent.nonce, expires_at: sent.expiresAt, delivery: sent.delivery };
  if (registered === null) return { verification, ...NO_TOKENS, client_id };
  const { pair, accountId } = registered;
  return { verification, ...tokensToWireOf2026(pair, isKept), account_id: accountId, user_created: true };
}
