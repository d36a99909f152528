/**
 * Lists the accounts of which the user is a member, the oldest membership first.
 */
import { array, strictObject } from "zod/mini";
import { userOf } from "#core/call.ts";
import { accountFields, accountToWire } from "#core/members/account_view.ts";
import { listAccounts } from "#core/members/accounts.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({});
export const response = strictObject({ items: array(accountFields) });

export const handler = rpc({
  name: "list_accounts",
  version: "2026-12-01",
  summary: "Lists the accounts of which the user is a member, the oldest membership first.",
  access: "user",
  request,
  isBodyOptional: true,
  response,
  errors: [],
  async run({ core, caller }) {
    const accounts = await listAccounts(core, userOf(caller).userId);
    return { items: accounts.map(accountToWire) };
  },
});
