import { object, type output, string } from "zod/mini";
import {
  asJson,
  EMAIL,
  levelOf,
  MALFORMED,
  ofAddress,
  WITH_PASSWORD,
} from "#adapters/static_backend/answers.ts";
import { adapterRoute } from "#entry/adapter_declaration.ts";
import { handler as getUser } from "#methods/2026-12-01/account/get_user.ts";
import { handler as addAccountUser } from "#methods/2026-12-01/accounts/add_account_user.ts";
import {
  handler as listAccountUsers,
  type response as listed,
} from "#methods/2026-12-01/accounts/list_account_users.ts";
import { handler as removeAccountUser } from "#methods/2026-12-01/accounts/remove_account_user.ts";

type Member = output<typeof listed>["items"][number];

const ACCOUNT_ERRORS = { account_not_found: [403, "You may not do this."] } as const;

/** The user of the session, and the users of their account. */
export const accountRoutes = [
  adapterRoute({
    verb: "GET",
    path: "/me",
    summary: "Returns the user of the session.",
    method: getUser,
    credential: "session",
    request: object({}),
    fields: {},
    toMethod: () => ({}),
    answer:
      "`{accountId, userId, id, email, role}`. `role` is 100 for a platform administrator, 50 for the owner or an administrator of the account, else 0.",
    toAnswer: ({ id, account_id, email, role_key, roles }) =>
      asJson({ accountId: account_id, userId: id, id, email, role: levelOf(role_key, roles) }),
    errors: {},
  }),
  adapterRoute({
    verb: "POST",
    path: "/account/users",
    summary: "Makes a user who is a member of the account.",
    method: addAccountUser,
    credential: "session",
    request: WITH_PASSWORD,
    fields: { email: EMAIL, password: "The password. The user is asked to change it." },
    toMethod: ({ email, password }) => ({ ...ofAddress(email), password }),
    answer:
      '`true`. If the client has `addedUserAnswer: "user"`: `{id, accountId, token, email, role, created}`, whose `token` is empty.',
    toAnswer: ({ user_id, account_id }, { asked, client, now }) =>
      asJson(
        client.addedUserAnswer === "true" || {
          ...{ id: user_id, accountId: account_id, token: "", email: asked.email.toLowerCase() },
          ...{ role: levelOf("member"), created: now.toISOString() },
        },
      ),
    errors: {
      ...ACCOUNT_ERRORS,
      invalid_identifier: [400, MALFORMED],
      identifier_taken: [409, "invalid email: a user has this address."],
      own_address_not_verified: [403, "Verify your own address first, by a magic link or a new password."],
    },
  }),
  adapterRoute({
    verb: "GET",
    path: "/account/users",
    summary: "Lists the users of the account, the caller included.",
    method: listAccountUsers,
    credential: "session",
    hasPages: true,
    request: object({}),
    fields: {},
    toMethod: () => ({ limit: 100 }),
    answer: "An array of `{id, userId, accountId, email, role, created}`, never `null`.",
    toAnswer: ({ items }) =>
      asJson(
        (items as Member[]).map(({ id, account_id, email, role_key, created_at }) => ({
          ...{ id, userId: id, accountId: account_id, email, role: levelOf(role_key), created: created_at },
        })),
      ),
    errors: ACCOUNT_ERRORS,
  }),
  adapterRoute({
    verb: "DELETE",
    path: "/account/users/{id}",
    summary: "Removes a user from the account, and deletes a user who is in no other.",
    method: removeAccountUser,
    credential: "session",
    request: object({ id: string() }),
    fields: { id: "The user's id, in the path." },
    toMethod: ({ id }) => ({ user_id: id, delete_user: true }),
    otherwise: {
      codes: ["delete_not_allowed", "capability_escalation"],
      toMethod: ({ id }) => ({ user_id: id }),
    },
    answer:
      "`true`. Of a user who is in other accounts, who had this account from the start, or who has a role on the platform, only the membership ends.",
    toAnswer: () => asJson(true),
    errors: {
      ...ACCOUNT_ERRORS,
      user_not_found: [404, "No user of your account has this id."],
      last_owner: [409, "The last owner of an account can't be removed."],
      last_admin: [409, "The last administrator can't be removed."],
      active_subscription: [409, "The user has a subscription. Cancel it first."],
      capability_escalation: [403, "You may not do this."],
      reauthentication_required: [403, "Log in again before you remove yourself."],
    },
  }),
];
