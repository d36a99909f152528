/**
 * Unlinks an account at an OAuth provider from the user. Nobody can sign in with it as this user any more.
 *
 * The user must have signed in within the last 10 minutes. The last way to sign in can't be removed: a verified address or number, or
 * another linked account, must remain. Idempotent: a repeated call returns the time of the first.
 */
import { strictObject, string } from "zod/mini";
import { unlinkIdentity } from "#core/identifiers/unlink_identity.ts";
import { mailer } from "#core/parts.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ oauth_identity_id: text() });
export const response = strictObject({ removed_at: string() });

export const handler = rpc({
  name: "unlink_oauth",
  version: "2026-12-01",
  summary: "Unlinks an account at an OAuth provider from the user.",
  access: "user",
  request,
  response,
  errors: ["reauthentication_required", "oauth_identity_not_found", "last_sign_in_method"],
  parts: { mailer },
  async run({ core, request: { oauth_identity_id: id }, caller, call }) {
    return { removed_at: await unlinkIdentity(core, id, { caller, call }) };
  },
});
