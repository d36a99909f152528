import { ownAccountId, ownMembership } from "#core/accounts/own_account.ts";
import { ACCOUNT_CAPABILITIES, type AccountRights, NO_RIGHTS } from "#core/capabilities.ts";
import type { AccountMember } from "#core/repositories/account_members.ts";
import type { Role } from "#core/repositories/roles.ts";
import type { User } from "#core/repositories/users.ts";
import { OWNER } from "#core/roles/built_in.ts";
import { roleAt } from "#core/roles/rights.ts";

/** The rights of an owner. */
export const OWNER_RIGHTS = {
  ...{ roleKey: OWNER, level: 100, capabilities: ACCOUNT_CAPABILITIES },
} satisfies Omit<AccountRights, "accountId">;

/** Who stands in an account, and in which. */
interface Asked {
  user: Pick<User, "_id" | "createdAt" | "defaultAccountId">;
  /** Every membership of the user, removed memberships included. */
  memberships: readonly AccountMember[];
  /** The app's own account roles. */
  own: readonly Role[];
}

/**
 * What a user may do in an account.
 * @param accountId undefined: the account in which the user acts by default
 * @returns null if the user is no member of it
 */
export function standingIn(
  { user, memberships, own }: Asked,
  accountId: string | undefined,
): AccountRights | null {
  const membership =
    accountId === undefined
      ? defaultMembership(user, memberships)
      : activeMemberships(user, memberships).find((one) => one.accountId === accountId);
  if (!membership) return null;
  const role = roleAt("account", membership.role, own);
  const { capabilities, level } = role ?? NO_RIGHTS;
  return { accountId: membership.accountId, roleKey: role?.key ?? null, capabilities, level };
}

/** What a deleted user may do, in the account in which they last acted: nothing, since their memberships have ended. */
export const standingOfDeleted = ({ _id, defaultAccountId }: Asked["user"]): AccountRights => ({
  ...NO_RIGHTS,
  accountId: defaultAccountId ?? ownAccountId(_id),
  roleKey: null,
});

/**
 * The memberships of a user, the oldest first. A user whom an earlier release created owns an account that is written at the next
 * sign-in, or by `nest db migrate`.
 */
export function activeMemberships(
  user: Asked["user"],
  memberships: readonly AccountMember[],
): AccountMember[] {
  const ownId = ownAccountId(user._id);
  if (memberships.length === 0 && (user.defaultAccountId ?? ownId) === ownId) return [ownMembership(user)];
  const ageOf = ({ createdAt, _id }: AccountMember) => `${createdAt} ${_id}`;
  return memberships
    .filter(({ removedAt }) => removedAt === null)
    .sort((one, other) => (ageOf(one) < ageOf(other) ? -1 : 1));
}

/** The account in which a user acts unless a call names another; the oldest, if the user is not in it any more. */
export function defaultMembership(
  user: Asked["user"],
  memberships: readonly AccountMember[],
): AccountMember | null {
  const active = activeMemberships(user, memberships);
  const chosen = user.defaultAccountId ?? ownAccountId(user._id);
  return active.find(({ accountId }) => accountId === chosen) ?? active[0] ?? null;
}
