/**
 * Returns a user with their account, their role in it, and every email address and phone number they have or had.
 *
 * Other users need the capability `users.read`. `roles` are the platform roles. `capabilities` are those of the platform roles and of
 * the role in the account. `identifiers` includes unverified ones (`is_pending`). Administrators and services also get, for some days,
 * identifiers that were removed before they were verified. `email` is the primary address.
 * `has_password` says whether `set_password` needs the current password, `mfa_enabled` whether sign-ins need a second factor.
 * `account_id` chooses among several accounts of the user; absent, it is the account of the session.
 */
import { array, boolean, nullable, number, optional, strictObject, string } from "zod/mini";
import { namedUserOf } from "#core/call.ts";
import { NestError } from "#core/errors.ts";
import { identifierFields, identifierToWire, viewIdentifiers } from "#core/identifiers/identifier_view.ts";
import { ownPassword } from "#core/passwords/acceptable_password.ts";
import { standingIn, standingOfDeleted } from "#core/roles/account_role.ts";
import { rightsOf, rolesOf } from "#core/roles/rights.ts";
import { emailOf } from "#core/users/email_of.ts";
import { profileFields, profileToWire } from "#core/users/user_view.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ user_id: optional(text()), account_id: optional(text()) });
export const response = strictObject({
  ...profileFields,
  account_id: string(),
  email: nullable(string()),
  has_password: boolean(),
  mfa_enabled: boolean(),
  role: number(),
  role_key: nullable(string()),
  roles: array(string()),
  capabilities: array(string()),
  identifiers: array(identifierFields),
});

export const handler = rpc({
  name: "get_user",
  version: "2026-12-01",
  summary:
    "Returns a user with their account, their role in it, and every email address and phone number they have or had.",
  access: "own_user|cap:users.read",
  request,
  isBodyOptional: true,
  response,
  errors: ["reauthentication_required", "account_not_found", "user_not_found"],
  async reads({ core, request: { user_id }, caller }) {
    const userId = namedUserOf(caller, user_id);
    const [user, identifiers, pending, memberships, password, factors, own, ofAccounts] = await Promise.all([
      core.users.find(userId),
      core.identifiers.listByUser(userId),
      core.pendingIdentifiers.listByUser(userId),
      core.accountMembers.listByUser(userId),
      core.passwords.findByUser(userId),
      core.mfaFactors.listActive(userId),
      core.roles.list("platform"),
      core.roles.list("account"),
    ]);
    const hasPassword = ownPassword(identifiers, password) !== null;
    const joined = { memberships, own: ofAccounts };
    return { user, identifiers, pending, joined, own, hasPassword, factors };
  },
  async run({ request, reads: { user, identifiers, pending, joined, own, hasPassword, factors }, caller }) {
    if (!user) throw new NestError("user_not_found");
    const isOwn = caller.kind === "user" && caller.userId === user._id;
    // Somebody else may have added what the owner of the user's address never proved.
    const shown = isOwn ? pending.filter(({ endedAt }) => endedAt === null) : pending;
    const chosen = isOwn ? caller.accountId : undefined;
    const isDeleted = user.status === "deleted" && request.account_id === undefined;
    const account = isDeleted
      ? standingOfDeleted(user)
      : standingIn({ user, ...joined }, request.account_id ?? chosen);
    if (!account) throw new NestError("account_not_found");
    const roles = rolesOf(user, own);
    const { capabilities } = rightsOf([...roles, account]);
    return {
      ...profileToWire(user),
      account_id: account.accountId,
      email: emailOf(identifiers),
      has_password: hasPassword,
      mfa_enabled: factors.length > 0,
      role: account.level,
      role_key: account.roleKey,
      roles: roles.map(({ key }) => key),
      capabilities: [...capabilities],
      identifiers: viewIdentifiers(identifiers, shown).map(identifierToWire),
    };
  },
});
