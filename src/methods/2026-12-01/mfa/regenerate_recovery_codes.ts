/**
 * Replaces the recovery codes of the user. The earlier codes stop working.
 *
 * The user must have presented a second factor within the last 10 minutes. No later response has the codes. Not idempotent: each call
 * generates new codes.
 */
import { array, strictObject, string } from "zod/mini";
import { regenerateRecoveryCodes } from "#core/factors/recovery.ts";
import { mailer } from "#core/parts.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({});
export const response = strictObject({ recovery_codes: array(string()) });

export const handler = rpc({
  name: "regenerate_recovery_codes",
  version: "2026-12-01",
  summary: "Replaces the recovery codes of the user.",
  access: "user",
  request,
  isBodyOptional: true,
  response,
  errors: ["reauthentication_required", "mfa_not_enabled"],
  parts: { mailer },
  async run({ core, caller, call }) {
    return { recovery_codes: await regenerateRecoveryCodes(core, caller, call) };
  },
});
