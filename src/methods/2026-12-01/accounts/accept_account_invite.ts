/**
 * Makes the user a member of the account that invited them by mail.
 *
 * The page of the link sends the token. The user must have verified the address to which the link was sent; for other users the token is
 * unknown. It works once, for 7 days, and only while the member who invited may grant the role.
 */
import { strictObject, string } from "zod/mini";
import { userOf } from "#core/call.ts";
import { acceptInvite } from "#core/members/accept_invite.ts";
import { codeKey, rateLimiter } from "#core/parts.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ client_id: text(), token: text() });
export const response = strictObject({ account_id: string() });

export const handler = rpc({
  name: "accept_account_invite",
  version: "2026-12-01",
  summary: "Makes the user a member of the account that invited them by mail.",
  access: "user",
  request,
  response,
  errors: ["client_not_found", "verification_not_found", "rate_limited"],
  parts: { codeKey, rateLimiter },
  async run({ core, request: { client_id, token }, caller, call }) {
    const client = core.oauthClients.require(client_id);
    return { account_id: await acceptInvite(core, { client, token }, userOf(caller), call) };
  },
});
