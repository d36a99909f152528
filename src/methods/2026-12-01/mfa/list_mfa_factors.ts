/**
 * Lists the second factors of a user, unverified ones included, and how many recovery codes are left.
 *
 * Another user's factors need the capability `users.read`. The response has no secret, so it does not help an attacker to sign in.
 */
import { array, number, optional, strictObject } from "zod/mini";
import { namedUserOf } from "#core/call.ts";
import { factorFields, factorToWire } from "#core/factors/factor_view.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ user_id: optional(text()) });
export const response = strictObject({ items: array(factorFields), recovery_codes_left: number() });

export const handler = rpc({
  name: "list_mfa_factors",
  version: "2026-12-01",
  summary: "Lists the second factors of a user.",
  access: "own_user|cap:users.read",
  request,
  isBodyOptional: true,
  response,
  errors: ["reauthentication_required"],
  async reads({ core, request: { user_id }, caller }) {
    const userId = namedUserOf(caller, user_id);
    const [factors, codes] = await Promise.all([
      core.mfaFactors.listOfUser(userId),
      core.recoveryCodes.findByUser(userId),
    ]);
    return { factors, codes };
  },
  async run({ reads: { factors, codes } }) {
    const oldestFirst = factors.toSorted((one, other) => (one.createdAt < other.createdAt ? -1 : 1));
    return { items: oldestFirst.map(factorToWire), recovery_codes_left: codes?.open.length ?? 0 };
  },
});
