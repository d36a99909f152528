/**
 * Makes a verified email address or phone number the primary one of its type.
 *
 * The user must have signed in within the last 10 minutes. `get_user` returns the primary address as `email`, and mails about
 * subscriptions go to it. Every verified address gets a notice. Making it the primary one again changes nothing.
 */
import { strictObject } from "zod/mini";
import { setPrimaryIdentifier } from "#core/identifiers/change_identifiers.ts";
import { identifierFields, identifierToWire } from "#core/identifiers/identifier_view.ts";
import { mailer } from "#core/parts.ts";
import { requireFresh } from "#core/sessions/freshness.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ identifier_id: text() });
export const response = strictObject({ identifier: identifierFields });

export const handler = rpc({
  name: "set_primary_identifier",
  version: "2026-12-01",
  summary: "Makes a verified email address or phone number the primary one of its type.",
  access: "user",
  request,
  response,
  errors: ["reauthentication_required", "identifier_not_found", "identifier_not_verified"],
  parts: { mailer },
  async run({ core, request: { identifier_id: identifierId }, caller, call }) {
    requireFresh(caller, core.clock.now());
    const identifier = await setPrimaryIdentifier(core, { identifierId, caller, call });
    return { identifier: identifierToWire(identifier) };
  },
});
