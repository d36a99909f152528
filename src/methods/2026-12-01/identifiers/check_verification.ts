/**
 * Says whether the token of a link is still valid, and what it is for.
 *
 * It changes nothing: the token stays valid, and no attempt is counted. A page calls it before it shows a form, such as the one
 * for a new password. It does not check codes.
 */
import { literal, strictObject, string } from "zod/mini";
import { rateLimiter } from "#core/parts.ts";
import { checkToken } from "#core/verifications/redeem_verification.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ client_id: text(), token: text() });
export const response = strictObject({ valid: literal(true), purpose: string(), expires_at: string() });

export const handler = rpc({
  name: "check_verification",
  version: "2026-12-01",
  summary: "Says whether the token of a link is still valid, and what it is for.",
  access: "public",
  request,
  response,
  errors: ["client_not_found", "verification_not_found", "rate_limited"],
  parts: { rateLimiter },
  async run({ core, request: asked, call }) {
    const { id: clientId } = core.oauthClients.require(asked.client_id);
    const now = core.clock.now();
    const { purpose, expiresAt } = await checkToken(core, asked.token, { clientId, now }, call);
    return { valid: true as const, purpose, expires_at: expiresAt };
  },
});
