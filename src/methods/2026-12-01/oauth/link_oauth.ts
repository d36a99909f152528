/* * Links an account at an OAuth provider to the user. The code comes from `start_oauth` with the intent `link`.
 *
 * The user can then sign in with that account. The user must have signed in within the last 10 minutes, and use the session that
 * called `start_oauth`. Idempotent until the code expires: a repeated call returns the same account.
 */
import { strictObject } from "zod/mini";
import { oauthIdentityFields, oauthIdentityToWire } from "#core/oauth/identity_view.ts";
import { mailer, rateLimiter } from "#core/parts.ts";
import { linkIdentity } from "#core/sign_in/oauth/link_identity.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({
  client_id: text(),
  code: text(),
  code_verifier: text(),
  redirect_uri: text(),
});
export const response = strictObject({ oauth_identity: oauthIdentityFields });

export const handler = rpc({
  name: "link_oauth",
  version: "2026-12-01",
  summary: "Links an account at an OAuth provider to the user.",
  access: "user",
  request,
  response,
  errors: [
    "reauthentication_required",
    "malformed_code",
    "verification_not_found",
    "incorrect_redirect_uri",
    "incorrect_code_verifier",
    "identifier_not_verified",
    "oauth_identity_taken",
    "too_many_oauth_identities",
  ],
  parts: { mailer, rateLimiter },
  async run({ core, request: asked, caller, call }) {
    return { oauth_identity: oauthIdentityToWire(await linkIdentity(core, asked, { caller, call })) };
  },
});
