import { cursorAfter } from "#core/paging.ts";
import type { FieldDocumentation } from "#tools/openapi/field_documentation.ts";

type Timestamp = (description: string, example?: string | null) => FieldDocumentation;

const ACCOUNT_ID = "account_2hF4hEJqzyYxw9P8Wc1ZbXv5nQk";
const USER_ID = "user_2hF4hEJqzyYxw9P8Wc1ZbXv5nQk";
const MEMBERS_CURSOR = cursorAfter(
  { createdAt: "2026-03-14T09:26:53.589Z", _id: "acctmem_2hF4hRz5XdBt8Wn2Mf7Vk1Qc4Ys" },
  { method: "list_account_users", filter: { accountId: ACCOUNT_ID } },
);

/** The fields of a member in the response of a method. */
const memberFields = (path: string, timestamp: Timestamp): Record<string, FieldDocumentation> => ({
  [`${path}.id`]: { description: "The user's id.", example: USER_ID },
  [`${path}.name`]: { description: "What the user is called; null: not known.", example: "Ada" },
  [`${path}.role`]: {
    description: "The level of the member's role: owner 100, admin 80, member 50, or that of a custom role.",
    example: 50,
  },
  [`${path}.role_key`]: {
    description: "The key of the member's role. Null if the role was deleted: it allows nothing.",
    example: "member",
  },
  [`${path}.created_at`]: timestamp("When the user became a member."),
  [`${path}.status`]: {
    description: "`active`; `disabled`: the user can't sign in.",
    example: "active",
    narrows: { enum: ["active", "disabled", "deleted"] },
  },
});

/** The fields of accounts and their members. */
export const accountFields = (
  timestamp: Timestamp,
  page: string,
): Readonly<Record<string, FieldDocumentation>> => ({
  ...memberFields("list_account_users.items[]", timestamp),
  "list_account_users.items": { description: "The members of the page." },
  "list_account_users.cursor": {
    description: "The `next_cursor` of the page before, of the same account. Absent: the first page.",
    example: MEMBERS_CURSOR,
  },
  "list_account_users.next_cursor": {
    description: "The cursor of the next page; null at the end.",
    example: MEMBERS_CURSOR,
  },
  ...accountParameters([
    ...["list_account_users", "add_account_user", "remove_account_user", "set_account_user_role"],
    ...["get_account", "update_account"],
  ]),
  "add_account_user.password": {
    description: "The user's first password. After a sign-in with it, the user must set another password.",
    example: "correct horse battery staple 1",
  },
  "add_account_user.role_key": {
    description: "The key of the role that the user gets in the account. Default: `member`.",
    example: "member",
  },
  "add_account_user.redirect_uri": {
    description:
      "The page that the link of an invitation opens: one of the client's redirect URIs. Default: the first one.",
    example: page,
  },
  "add_account_user.user_id": {
    description: "The id of the new user; null if a person was invited.",
    example: USER_ID,
  },
  "add_account_user.status": {
    description: "`active`: the user is a member. `invited`: the address got an invitation.",
    example: "active",
    narrows: { enum: ["active", "invited"] },
  },
  ...memberFields("set_account_user_role.user", timestamp),
  "set_account_user_role.user_id": { description: "The id of the member.", example: USER_ID },
  "set_account_user_role.role_key": {
    description: "The key of the role that the member is to have in the account.",
    example: "admin",
  },
  "accept_account_invite.token": {
    description: "The token of the link in the mail.",
    example: "0".repeat(64),
  },
  "list_accounts.items": { description: "The accounts of the user." },
  ...ownAccountFields("list_accounts.items[]", timestamp),
  ...accountOf("get_account", timestamp),
  ...accountOf("create_account", timestamp),
  ...accountOf("update_account", timestamp),
  "create_account.name": { description: "The name of the account; null: none.", example: "Acme" },
  "update_account.name": {
    description: "The name of the account; null removes it.",
    example: "Acme",
  },
  "create_user.account_id": {
    description:
      "The account that the user joins as a member. It becomes the default account of the user. If absent, the user has only an account of their own.",
    example: ACCOUNT_ID,
  },
  "authenticate_user.account_id": {
    description:
      "For `authorization_code`, `otp` and `password`: the account in which the user acts in this session. Absent: the user's default account.",
    example: ACCOUNT_ID,
  },
  "remove_account_user.user_id": { description: "The id of the member.", example: USER_ID },
  "remove_account_user.delete_user": {
    description:
      "Whether the user is deleted too. Only for a user whom the account added, and who is in no other account. Default: `false`.",
    example: false,
  },
  "remove_account_user.removed_at": timestamp("When the member was removed."),
});

const accountParameters = (methods: readonly string[]): Record<string, FieldDocumentation> =>
  Object.fromEntries(
    methods.map((method) => [
      `${method}.account_id`,
      {
        description: "The account. Absent: the one in which the user acts.",
        example: ACCOUNT_ID,
      },
    ]),
  );

/** The fields of an account in the response of a method. */
const ownAccountFields = (path: string, timestamp: Timestamp): Record<string, FieldDocumentation> => ({
  [`${path}.id`]: { description: "The id of the account.", example: ACCOUNT_ID },
  [`${path}.name`]: { description: "The name of the account; null: none.", example: "Acme" },
  [`${path}.role`]: {
    description:
      "The level of the user's role in the account: owner 100, admin 80, member 50, or that of a custom role.",
    example: 100,
  },
  [`${path}.role_key`]: {
    description:
      "The key of the user's role in the account. Null if the role was deleted: it allows nothing.",
    example: "owner",
  },
  [`${path}.created_at`]: timestamp("When the account was created."),
});

/** The fields of the account that a method returns. */
const accountOf = (method: string, timestamp: Timestamp): Record<string, FieldDocumentation> => ({
  [`${method}.account`]: { description: "The account." },
  ...ownAccountFields(`${method}.account`, timestamp),
});
