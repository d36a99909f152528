/**
 * Returns a user with their account, their role in it, and every email address and phone number they have or had.
 *
 * `identifiers` also lists what the user has still to prove (`is_pending`). `email` is the primary address. `has_password` says
 * whether `set_password` needs the current password.
 */
import { array, boolean, nullable, number, optional, strictObject, string } from "zod/mini";
import { defaultMembership } from "#core/accounts/own_account.ts";
import { ROLE_LEVELS } from "#core/accounts/roles.ts";
import { namedUserOf } from "#core/call.ts";
import { NestError } from "#core/errors.ts";
import { identifierFields, identifierToWire, viewIdentifiers } from "#core/identifiers/identifier_view.ts";
import { ownPassword } from "#core/passwords/acceptable_password.ts";
import { emailOf } from "#core/users/email_of.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ user_id: optional(text()) });
export const response = strictObject({
  id: string(),
  created_at: string(),
  account_id: string(),
  email: nullable(string()),
  name: nullable(string()),
  locale: nullable(string()),
  has_password: boolean(),
  role: number(),
  role_key: string(),
  identifiers: array(identifierFields),
});

export const handler = rpc({
  name: "get_user",
  version: "2026-12-01",
  summary:
    "Returns a user with their account, their role in it, and every email address and phone number they have or had.",
  access: "own_user",
  request,
  isBodyOptional: true,
  response,
  errors: ["not_found"],
  async reads({ core, request: { user_id }, caller }) {
    const userId = namedUserOf(caller, user_id);
    const [user, identifiers, pending, memberships, password] = await Promise.all([
      core.users.find(userId),
      core.identifiers.listByUser(userId),
      core.pendingIdentifiers.listOpen(userId),
      core.accountMembers.listByUser(userId),
      core.passwords.findByUser(userId),
    ]);
    return {
      user,
      identifiers,
      pending,
      memberships,
      hasPassword: ownPassword(identifiers, password) !== null,
    };
  },
  async run({ reads: { user, identifiers, pending, memberships, hasPassword } }) {
    if (!user) throw new NestError("not_found");
    const { accountId, role } = defaultMembership(user, memberships);
    return {
      id: user._id,
      created_at: user.createdAt,
      account_id: accountId,
      email: emailOf(identifiers),
      name: user.name ?? null,
      locale: user.locale ?? null,
      has_password: hasPassword,
      role: ROLE_LEVELS[role],
      role_key: role,
      identifiers: viewIdentifiers(identifiers, pending).map(identifierToWire),
    };
  },
});
