/** Lists the accounts at OAuth providers with which a user can sign in, the oldest first. */
import { array, optional, strictObject } from "zod/mini";
import { namedUserOf } from "#core/call.ts";
import { oauthIdentityFields, oauthIdentityToWire } from "#core/oauth/identity_view.ts";
import { listIdentities } from "#core/oauth/linked_identities.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ user_id: optional(text()) });
export const response = strictObject({ items: array(oauthIdentityFields) });

export const handler = rpc({
  name: "list_oauth_identities",
  version: "2026-12-01",
  summary: "Lists the accounts at OAuth providers with which a user can sign in.",
  access: "own_user|cap:users.read",
  request,
  isBodyOptional: true,
  response,
  errors: ["reauthentication_required"],
  async run({ core, request: { user_id: named }, caller }) {
    const items = await listIdentities(core, namedUserOf(caller, named));
    return { items: items.map(oauthIdentityToWire) };
  },
});
