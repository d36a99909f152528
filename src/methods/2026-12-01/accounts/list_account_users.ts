/**
 * Lists the members of an account, the oldest membership first.
 *
 * Without `account_id`, the call is about the account in which the user acts. The id of another account gets the same error as an id that
 * does not exist. Members who are added while a client reads the pages do not move the others.
 */
import { array, nullable, optional, strictObject, string } from "zod/mini";
import { memberOf } from "#core/call.ts";
import { listMembers } from "#core/members/list_members.ts";
import { memberFields, memberToWire } from "#core/members/member_view.ts";
import { pageParameters, readPage } from "#core/paging.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ account_id: optional(text()), ...pageParameters });
export const response = strictObject({ items: array(memberFields), next_cursor: nullable(string()) });

export const handler = rpc({
  name: "list_account_users",
  version: "2026-12-01",
  summary: "Lists the members of an account, the oldest membership first.",
  access: "acct:account.users.read",
  request,
  isBodyOptional: true,
  response,
  errors: ["account_not_found"],
  reads: ({ core }) => core.roles.list("account"),
  async run({ core, request: { limit, cursor }, reads: own, caller }) {
    const { accountId } = memberOf(caller).account;
    const list = { method: "list_account_users", filter: { accountId } };
    const page = readPage({ limit, cursor }, list);
    const { members, nextCursor } = await listMembers(core, accountId, page, list);
    return { items: members.map((member) => memberToWire(member, own)), next_cursor: nextCursor };
  },
});
