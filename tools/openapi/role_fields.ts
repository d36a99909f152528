import { ACCOUNT_CAPABILITIES, PLATFORM_CAPABILITIES } from "#core/capabilities.ts";
import { cursorAfter } from "#core/paging.ts";
import { ROLE_KEY_LIMIT } from "#core/roles/role_key.ts";
import type { FieldDocumentation } from "#tools/openapi/field_documentation.ts";

type Timestamp = (description: string, example?: string | null) => FieldDocumentation;

const KEY: FieldDocumentation = {
  description: `The role's key: lower-case ASCII letters, digits and underscores, at most ${ROLE_KEY_LIMIT}. Unique in its scope.`,
  example: "billing_support",
  narrows: { pattern: "^[a-z0-9_]+$" },
};
const NAME: FieldDocumentation = { description: "The role's name, for people.", example: "Billing support" };
const CAPABILITIES = [...PLATFORM_CAPABILITIES, ...ACCOUNT_CAPABILITIES]
  .map((one) => `\`${one}\``)
  .join(", ");
const USER_NAME: FieldDocumentation = {
  description: "What the user is called; null: not known.",
  example: "Ada",
};
const ROLE_KEYS: FieldDocumentation = {
  description: "The keys of the user's platform roles. Every user has `user`.",
  example: ["support", "user"],
};

/** The fields of roles, and of users as administrators see them. */
export const roleFields = (timestamp: Timestamp): Readonly<Record<string, FieldDocumentation>> => ({
  scope: {
    description: "`platform`: a role of users. `account`: a role of members in their account.",
    example: "platform",
  },
  key: KEY,
  "set_role.name": NAME,
  "set_role.role.name": NAME,
  "list_roles.items[].name": NAME,
  "set_role.level": {
    description:
      "0 to 100. Callers define, give and take only roles up to the highest level of their own roles.",
    example: 40,
  },
  "set_role.role.level": { description: "0 to 100.", example: 40, narrows: { minimum: 0 } },
  "list_roles.items[].level": {
    description: "0 to 100.",
    example: 40,
    narrows: { minimum: 0 },
  },
  capabilities: { description: `What the role allows: ${CAPABILITIES}.`, example: ["users.read"] },
  "list_roles.items[].id": ROLE_ID,
  "set_role.role.id": ROLE_ID,
  built_in: { description: "Whether the role is part of Nest and can't change.", example: false },
  "set_role.role": { description: "The role." },
  "list_roles.items": { description: "Built-in roles first, then the app's own." },
  "delete_role.deleted_at": timestamp("When the role was deleted."),
  "set_user_roles.user_id": {
    description: "The id of the user who gets the roles.",
    example: "user_2hF4hEJqzyYxw9P8Wc1ZbXv5nQk",
  },
  "set_user_roles.roles": {
    description:
      "The keys of all platform roles that the user is to have. Roles that are left out are taken. `user` may be left out.",
    example: ["support"],
  },
  user: { description: "The user." },
  roles: ROLE_KEYS,
  "get_user.updated_at": timestamp("When the user's own fields last changed; null if they never did."),
  "get_user.capabilities": {
    description: `What the user's roles allow, on the platform and in the account: ${CAPABILITIES}.`,
    example: ["account.manage", "users.read"],
  },
  status: {
    description: "`active`; `disabled`: the user can't sign in; `deleted`: the user is gone.",
    example: "active",
    narrows: { enum: ["active", "disabled", "deleted"] },
  },
  disabled_at: timestamp("When the user was disabled; null: the user is not disabled.", null),
  deleted_at: timestamp("When the user was deleted; null: the user is not deleted.", null),
  ...listFields(timestamp),
  "update_user.status": {
    description: "`disabled` ends every session and lets the user sign in no more.",
    example: "active",
  },
  metadata: {
    description:
      "Values that the app stores with the user: at most 50 keys of letters, digits, `_` and `-`, with texts of at most 500 characters.",
    example: { team: "blue" },
  },
  "update_user.name": USER_NAME,
  "update_user.user.name": USER_NAME,
  "update_user.user.id": { description: "The user's id.", example: "user_2hF4hEJqzyYxw9P8Wc1ZbXv5nQk" },
  "update_user.user.created_at": timestamp("When the user was created."),
  "update_user.user.updated_at": timestamp(
    "When the user's own fields last changed; null if they never did.",
  ),
  "update_user.user.status": {
    description: "`active`, or `disabled`: the user can't sign in.",
    example: "active",
    narrows: { enum: ["active", "disabled", "deleted"] },
  },
  "set_user_roles.user.id": { description: "The user's id.", example: "user_2hF4hEJqzyYxw9P8Wc1ZbXv5nQk" },
});

const ROLE_ID = {
  description:
    "The role's id, which the audit log names; null for a built-in role, which it names by its key.",
  example: "role_2hF4hEJqzyYxw9P8Wc1ZbXv5nQk",
};

const LIST_EXAMPLE = {
  query: "ada@",
  status: "active",
  role: "support",
  created_after: "2026-01-01T00:00:00.000Z",
} as const;
const LIST_CURSOR = cursorAfter(
  { createdAt: "ada@example.com", _id: "userident_2hF4hQv8WbZr1Ym6Kc3Td0Ls9Xp" },
  { method: "list_users", filter: LIST_EXAMPLE },
);

/** The fields of `list_users`. */
function listFields(timestamp: Timestamp): Readonly<Record<string, FieldDocumentation>> {
  return {
    query: {
      description: "The start of an email address, or of a phone number with its plus sign.",
      example: LIST_EXAMPLE.query,
    },
    "list_users.status": {
      description: "Only users with this status. Default: all.",
      example: LIST_EXAMPLE.status,
    },
    "list_users.role": { description: "Only users with this platform role.", example: LIST_EXAMPLE.role },
    created_after: {
      description: "Only users who were created after this date or time of ISO 8601.",
      example: LIST_EXAMPLE.created_after,
    },
    "list_users.cursor": {
      description: "The `next_cursor` of the page before, with the same filters. Absent: the first page.",
      example: LIST_CURSOR,
    },
    "list_users.next_cursor": {
      description: "The cursor of the next page; null at the end.",
      example: LIST_CURSOR,
    },
    "list_users.items": { description: "The users of the page." },
    "list_users.items[].id": { description: "The user's id.", example: "user_2hF4hEJqzyYxw9P8Wc1ZbXv5nQk" },
    "list_users.items[].name": USER_NAME,
    "list_users.items[].match": {
      description: "The address or number that starts with `query`; null without a query.",
      example: "ada@example.com",
    },
    "list_users.items[].match_is_pending": {
      description: "Whether the user added the address of `match` and has not verified it yet.",
      example: false,
    },
    "list_users.items[].is_verified": {
      description: "Whether the user ever verified an address or number.",
      example: true,
    },
    "list_users.items[].created_at": timestamp("When the user was created."),
    "list_users.items[].updated_at": timestamp(
      "When the user's own fields last changed; null if they never did.",
    ),
    "list_users.items[].status": {
      description: "`active`; `disabled`: the user can't sign in; `deleted`: the user is gone.",
      example: "active",
      narrows: { enum: ["active", "disabled", "deleted"] },
    },
  };
}
