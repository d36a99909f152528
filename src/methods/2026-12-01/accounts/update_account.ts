/**
 * Changes the name of an account.
 *
 * Without `account_id`, the call is about the account in which the user acts. Null removes the name.
 */
import { nullable, optional, strictObject } from "zod/mini";
import { memberOf } from "#core/call.ts";
import { accountFields, accountToWire } from "#core/members/account_view.ts";
import { updateAccount } from "#core/members/accounts.ts";
import { nameText, text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ account_id: optional(text()), name: nullable(nameText(128)) });
export const response = strictObject({ account: accountFields });

export const handler = rpc({
  name: "update_account",
  version: "2026-12-01",
  summary: "Changes the name of an account.",
  access: "acct:account.manage",
  request,
  response,
  errors: ["account_not_found"],
  async run({ core, request: { name }, caller, call }) {
    return { account: accountToWire(await updateAccount(core, name, memberOf(caller), call)) };
  },
});
