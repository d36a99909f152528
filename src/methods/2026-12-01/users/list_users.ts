/**
 * Lists users, the newest first, or by address if `query` is sent.
 *
 * Needs the capability `users.read`. Users who are added while a client reads the pages do not move the others. Send a cursor with the
 * same filters as the call that returned it. With `query`, a page can have fewer items than `limit`, or none, while `next_cursor` is
 * not null: the other filters choose among the addresses of a page. An address that a user added and has not verified yet is found too
 * (`match_is_pending`). With `query` and the status `deleted`, it lists deleted users who had
 * such an address, until they are erased after 30 days.
 */
import { array, nullable, enum as oneOf, optional, strictObject, string } from "zod/mini";
import { listUsers } from "#core/administration/list_users.ts";
import { pageParameters, readPage } from "#core/paging.ts";
import { roleKey } from "#core/roles/role_key.ts";
import { listedUserFields, userToWire } from "#core/users/user_view.ts";
import { text, typedTime } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({
  query: optional(text(254)),
  status: optional(oneOf(["active", "disabled", "deleted"])),
  role: optional(roleKey()),
  created_after: optional(typedTime()),
  ...pageParameters,
});
export const response = strictObject({ items: array(listedUserFields), next_cursor: nullable(string()) });

export const handler = rpc({
  name: "list_users",
  version: "2026-12-01",
  summary: "Lists users, the newest first, or by address.",
  access: "cap:users.read",
  request,
  isBodyOptional: true,
  response,
  errors: ["reauthentication_required", "role_not_found"],
  reads: ({ core }) => core.roles.list("platform"),
  async run({ core, request: { limit, cursor, ...filter }, reads: own }) {
    const list = { method: "list_users", filter };
    const page = readPage({ limit, cursor }, list);
    const { users, nextCursor } = await listUsers(core, { query: filter, own }, page, list);
    return {
      items: users.map(({ user, identifiers, match }) => ({
        ...userToWire(user, identifiers, own),
        ...{ match: match?.value ?? null, match_is_pending: match?.isPending ?? false },
        is_verified: identifiers.some(({ verifiedAt }) => verifiedAt !== null),
      })),
      next_cursor: nextCursor,
    };
  },
});
