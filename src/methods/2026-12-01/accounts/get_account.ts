/**
 * Returns an account, and the role of the user in it.
 *
 * Without `account_id`, the call returns the account in which the user acts.
 */
import { optional, strictObject } from "zod/mini";
import { memberOf } from "#core/call.ts";
import { accountFields, accountToWire } from "#core/members/account_view.ts";
import { getAccount } from "#core/members/accounts.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ account_id: optional(text()) });
export const response = strictObject({ account: accountFields });

export const handler = rpc({
  name: "get_account",
  version: "2026-12-01",
  summary: "Returns an account, and the role of the user in it.",
  access: "acct",
  request,
  isBodyOptional: true,
  response,
  errors: ["account_not_found"],
  run: async ({ core, caller }) => ({ account: accountToWire(await getAccount(core, memberOf(caller))) }),
});
