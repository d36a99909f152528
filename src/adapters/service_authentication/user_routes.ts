import { array, object, optional, record, string, unknown } from "zod/mini";
import {
  asJson,
  EMAIL,
  EMAIL_OR_PHONE,
  FLAG,
  isOn,
  PHONE,
  toIdentifier,
} from "#adapters/service_authentication/answers.ts";
import { adapterRoute } from "#entry/adapter_declaration.ts";
import { handler as getUser } from "#methods/2026-12-01/account/get_user.ts";
import { handler as listAuditLogs } from "#methods/2026-12-01/audit/list_audit_logs.ts";
import { handler as createUser } from "#methods/2026-12-01/users/create_user.ts";
import { handler as listUsers } from "#methods/2026-12-01/users/list_users.ts";
import { handler as updateUser } from "#methods/2026-12-01/users/update_user.ts";

/** A query has numbers as text. */
const PAGE = { limit: optional(string()), cursor: optional(string()) };
const PAGE_FIELDS = {
  limit: "The most items of a page, 1 to 100.",
  cursor: "`next_cursor` of the page before.",
};
const ofPage = ({ limit, cursor }: { limit?: string | undefined; cursor?: string | undefined }) => ({
  ...(limit !== undefined && { limit: Number(limit) }),
  cursor,
});

const METADATA = optional(record(string(), unknown()));
const USER_ID = "The user's id, in the path.";
const USER =
  "The user: `id`, `email`, `name`, `locale`, `status`, `roles`, `capabilities`, `account_id`, `metadata` and others.";

/** Users and the audit log. */
export const userRoutes = [
  adapterRoute({
    verb: "GET",
    path: "/user",
    when: "list",
    summary: "Lists users, for a caller who may read them (capability `users.read`).",
    method: listUsers,
    credential: "caller",
    request: object({
      ...{ query: optional(string()), status: optional(string()), role: optional(string()), ...PAGE },
    }),
    fields: {
      list: "Any value, such as `?list=1`.",
      query: "The beginning of an address or number.",
      status: "`active`, `disabled` or `deleted`.",
      role: "The key of a role.",
      ...PAGE_FIELDS,
    },
    toMethod: ({ query, status, role, ...page }) => ({ query, status, role, ...ofPage(page) }),
    answer: "`items` and `next_cursor`.",
    toAnswer: asJson,
    errors: {},
  }),
  adapterRoute({
    verb: "GET",
    path: "/user",
    summary: "Returns the user of the session.",
    method: getUser,
    credential: "session",
    request: object({}),
    fields: {},
    toMethod: () => ({}),
    answer: USER,
    toAnswer: asJson,
    errors: {},
  }),
  adapterRoute({
    verb: "GET",
    path: "/user/{user_id}",
    summary: "Returns the caller's own user, or any user with the capability `users.read`.",
    method: getUser,
    credential: "caller",
    request: object({ user_id: string() }),
    fields: { user_id: USER_ID },
    toMethod: ({ user_id }) => ({ user_id }),
    answer: USER,
    toAnswer: asJson,
    errors: {},
  }),
  adapterRoute({
    verb: "POST",
    path: "/user",
    summary: "Creates a user, for a caller who may change users (capability `users.write`).",
    method: createUser,
    credential: "caller",
    request: object({
      ...EMAIL_OR_PHONE,
      ...{ name: optional(string()), roles: optional(array(string())), metadata: METADATA },
      options: optional(object({ sendEmail: FLAG, sendResetEmail: FLAG, verifyEmail: FLAG })),
    }),
    fields: {
      email: EMAIL,
      phone: PHONE,
      name: "The user's name.",
      roles: "The keys of the user's roles.",
      metadata: "Data of your own.",
      "options.sendEmail": "Sends a mail that tells the user about the account.",
      "options.sendResetEmail": "Sends a link to choose a password. Default: yes.",
      "options.verifyEmail": "Sends a link that verifies the address.",
    },
    toMethod: ({ email, phone, name, roles, metadata, options = {} }, client_id, { baseUrl }) => ({
      ...{ client_id, ...toIdentifier({ email, phone }), name, roles, metadata, redirect_uri: baseUrl },
      options: {
        send_email: isOn(options.sendEmail),
        send_reset_email: isOn(options.sendResetEmail),
        verify_email: isOn(options.verifyEmail),
      },
    }),
    answer: "`user`.",
    toAnswer: asJson,
    errors: { identifier_taken: "A user has this address." },
  }),
  adapterRoute({
    verb: "PUT",
    path: "/user/{user_id}",
    summary: "Changes the caller's own user, or any user with the capability `users.write`.",
    method: updateUser,
    credential: "caller",
    request: object({
      ...{ user_id: string(), name: optional(string()), locale: optional(string()) },
      ...{ metadata: METADATA, status: optional(string()) },
    }),
    fields: {
      user_id: USER_ID,
      name: "The user's name.",
      locale: "The language of mails.",
      metadata: "Data of your own. It replaces what was stored.",
      status: "`active` or `disabled`, with the capability only.",
    },
    toMethod: (asked) => asked,
    answer: "`user`.",
    toAnswer: asJson,
    errors: {},
  }),
  adapterRoute({
    verb: "GET",
    path: "/audit/logs",
    summary:
      "Lists the audit log: the caller's own rows, the rows of an account, or all rows with the capability `audit.read`.",
    method: listAuditLogs,
    credential: "caller",
    request: object({
      ...{ user_id: optional(string()), account_id: optional(string()), action: optional(string()) },
      ...{ outcome: optional(string()), from: optional(string()), to: optional(string()), ...PAGE },
    }),
    fields: {
      user_id: "Only rows about this user.",
      account_id: "Only rows of this account.",
      action: "Only rows of this action, such as `user.signed_in`.",
      outcome: "`success` or `failure`.",
      from: "The earliest time, ISO 8601.",
      to: "The time before which the rows are, ISO 8601.",
      ...PAGE_FIELDS,
    },
    toMethod: ({ limit, cursor, ...filter }) => ({ ...filter, ...ofPage({ limit, cursor }) }),
    answer: "`items` and `next_cursor`.",
    toAnswer: asJson,
    errors: {},
  }),
];
