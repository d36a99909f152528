/**
 * Begins a sign-in with an account at an OAuth provider, or begins to link such an account.
 *
 * Open `authorization_url` in a browser. The person returns to `redirect_uri` with the query parameters `state` and `code`, or `error`.
 * Redeem the code with `authenticate_user` and the grant `authorization_code`; with the intent `link`, pass it to `link_oauth`. The error
 * is `account_exists` if a user has the address, and Nest can't link the account to that user: let the person sign in another way and link
 * it. To link, the user must have signed in within the last 10 minutes. Not idempotent: each call begins a new authorization flow.
 */
import { enum as oneOf, optional, regex, strictObject, string } from "zod/mini";
import { oauthProviders, visitKey } from "#core/oauth/parts.ts";
import { startVisit } from "#core/oauth/start_visit.ts";
import { rateLimiter } from "#core/parts.ts";
import { deviceFields } from "#core/sign_in/link_request.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({
  client_id: text(),
  provider: text(40),
  redirect_uri: text(),
  state: text(1024),
  code_challenge_method: oneOf(["S256"]),
  /** The unpadded base64url of a SHA-256. */
  code_challenge: string().check(regex(/^[A-Za-z0-9_-]{43}$/)),
  intent: optional(oneOf(["sign_in", "link"])),
  login_hint: optional(text(254)),
  device: optional(deviceFields),
});
export const response = strictObject({ authorization_url: string(), expires_at: string() });

export const handler = rpc({
  name: "start_oauth",
  version: "2026-12-01",
  summary: "Begins a sign-in with an account at an OAuth provider, or begins to link such an account.",
  access: "public",
  recognizesUser: true,
  request,
  response,
  errors: ["client_not_found", "invalid_redirect_uri", "provider_not_found", "reauthentication_required"],
  parts: { oauthProviders, rateLimiter, visitKey },
  async run({ core, request: asked, caller, call }) {
    const { device } = asked;
    const started = await startVisit(
      core,
      {
        ...{ clientId: asked.client_id, provider: asked.provider, redirectUri: asked.redirect_uri },
        ...{ state: asked.state, codeChallenge: asked.code_challenge, intent: asked.intent ?? "sign_in" },
        loginHint: asked.login_hint,
        device: device
          ? { platform: device.platform, beakId: device.beak_id, fingerprint: device.fingerprint }
          : null,
      },
      { caller, call },
    );
    return { authorization_url: started.authorizationUrl, expires_at: started.expiresAt };
  },
});
