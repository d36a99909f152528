/**
 * Removes an email address or phone number of the user, or one that the user has still to prove.
 *
 * The user must have signed in within the last 10 minutes, and keeps at least one that is verified. The removed address and the
 * others get a notice. Then anybody can use the address. Idempotent: what was removed keeps its time.
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
