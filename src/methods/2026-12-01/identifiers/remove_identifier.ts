/**
 * Removes a verified or pending email address or phone number of the user.
 *
 * The user must have signed in within the last 10 minutes. The last verified address or number can't be removed. The removed
 * address and the user's other verified addresses get a notice. Another user can then add the address. Idempotent: a repeated
 * call returns the time of the first removal.
 */
import { strictObject, string } from "zod/mini";
import { removeIdentifier } from "#core/identifiers/change_identifiers.ts";
import { mailer } from "#core/parts.ts";
import { requireFresh } from "#core/sessions/freshness.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ identifier_id: text() });
export const response = strictObject({ removed_at: string() });

export const handler = rpc({
  name: "remove_identifier",
  version: "2026-12-01",
  summary: "Removes an email address or phone number of the user.",
  access: "user",
  request,
  response,
  errors: ["reauthentication_required", "identifier_not_found", "last_sign_in_method"],
  parts: { mailer },
  async run({ core, request: { identifier_id: identifierId }, caller, call }) {
    requireFresh(caller, core.clock.now());
    return { removed_at: await removeIdentifier(core, { identifierId, caller, call }) };
  },
});
