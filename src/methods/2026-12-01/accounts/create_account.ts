/**
 * Creates another account that the user owns. Not idempotent.
 *
 * The user must have verified an address or number.
 */
import { nullable, optional, strictObject } from "zod/mini";
import { userOf } from "#core/call.ts";
import { accountFields, accountToWire } from "#core/members/account_view.ts";
import { createAccount } from "#core/members/accounts.ts";
import { OWNER_RIGHTS } from "#core/roles/account_role.ts";
import { nameText } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ name: optional(nullable(nameText(128))) });
export const response = strictObject({ account: accountFields });

export const handler = rpc({
  name: "create_account",
  version: "2026-12-01",
  summary: "Creates another account that the user owns.",
  access: "user",
  request,
  isBodyOptional: true,
  response,
  errors: ["own_address_not_verified", "too_many_accounts"],
  reads: ({ core, caller }) => core.identifiers.listByUser(caller.kind === "user" ? caller.userId : ""),
  async run({ core, request: { name = null }, reads: identifiers, caller, call }) {
    const account = await createAccount(core, { name, identifiers }, userOf(caller), call);
    return { account: accountToWire({ account, rights: { ...OWNER_RIGHTS, accountId: account._id } }) };
  },
});
