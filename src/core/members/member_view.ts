import { nullable, number, strictObject, string } from "zod/mini";
import type { AccountMember } from "#core/repositories/account_members.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { Role } from "#core/repositories/roles.ts";
import type { User } from "#core/repositories/users.ts";
import { roleAt } from "#core/roles/rights.ts";
import { emailOf } from "#core/users/email_of.ts";
import { statusOf } from "#core/users/user_view.ts";

/** A member of an account, with what others see of the user. */
export interface Member {
  membership: AccountMember;
  user: User;
  /** All of the user's, the oldest first. */
  identifiers: readonly Identifier[];
}

/** The fields of a member on the wire. */
export const memberFields = strictObject({
  id: string(),
  account_id: string(),
  email: nullable(string()),
  name: nullable(string()),
  role: number(),
  role_key: nullable(string()),
  status: string(),
  created_at: string(),
});

/** Translates a member to wire names. @param own the app's own account roles */
export function memberToWire({ membership, user, identifiers }: Member, own: readonly Role[]) {
  const role = roleAt("account", membership.role, own);
  return {
    id: user._id,
    account_id: membership.accountId,
    email: emailOf(identifiers),
    name: user.name ?? null,
    role: role?.level ?? 0,
    role_key: role?.key ?? null,
    status: statusOf(user),
    created_at: membership.createdAt,
  };
}
