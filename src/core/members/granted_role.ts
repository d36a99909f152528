import type { MemberCaller } from "#core/call.ts";
import { type AccountRights, dominates } from "#core/capabilities.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { memberRoleChanged } from "#core/events/account_events.ts";
import type { EventSource } from "#core/events/event_source.ts";
import type { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import { refuseIfOver } from "#core/rate_limits/verdict.ts";
import type { AccountMember } from "#core/repositories/account_members.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { Role } from "#core/repositories/roles.ts";
import { isVerified } from "#core/repositories/verified_identifier.ts";
import { builtInRole, MEMBER } from "#core/roles/built_in.ts";
import { referenceTo, roleAt } from "#core/roles/rights.ts";

/**
 * Checks that a caller has proved an address or number, without I/O. Otherwise anyone could send invitations and claim addresses from
 * an account with another person's address.
 * @param identifiers of the caller
 * @throws NestError own_address_not_verified
 */
export function requireProvedCaller(
  identifiers: readonly Pick<Identifier, "verifiedAt" | "removedAt">[],
): void {
  if (!identifiers.some(isVerified)) throw new NestError("own_address_not_verified");
}

/**
 * Whether a client lets callers add a member without a proof, without I/O: an ordinary member with a password. Such members leave the
 * account when somebody else proves the caller's address.
 */
export const needsNoProof = (
  { addsBeforeProof }: Pick<OAuthClient, "addsBeforeProof">,
  { password, role_key }: { password?: string | undefined; role_key?: string | undefined },
): boolean => addsBeforeProof && password !== undefined && (role_key ?? MEMBER) === MEMBER;

/**
 * The role that a caller grants in an account, as a membership refers to it, without I/O. Callers grant only roles that allow no more
 * than their own role.
 * @param own the app's own account roles
 * @throws NestError role_not_found, capability_escalation
 */
export function judgeGrantedRole(account: AccountRights, key: string, own: readonly Role[]): string {
  const reference = referenceTo("account", key, own);
  if (reference === null) throw new NestError("role_not_found");
  requireDominance(account, reference, own);
  return reference;
}

/**
 * Checks that a caller may take a role from a member, without I/O.
 * @param reference as the membership refers to the role
 * @throws NestError capability_escalation
 */
export function requireDominance(account: AccountRights, reference: string, own: readonly Role[]): void {
  const role = roleAt("account", reference, own);
  if (role !== null && !dominates(account, role)) throw new NestError("capability_escalation");
}

/**
 * Records that a stored membership has a role, so that the role can't be deleted by a call that did not see it. If the role was deleted
 * meanwhile, the member gets another one: a reference to a deleted role allows nothing.
 * @throws NestError role_not_found
 */
export async function recordMembersRole(
  core: Pick<Core, "accountMembers" | "roles">,
  member: AccountMember,
  fallback: string,
  { source, at }: { source: EventSource; at: string },
): Promise<void> {
  if (builtInRole("account", member.role) || (await core.roles.recordGrant([member.role]))) return;
  await core.accountMembers.changeRole(member, fallback, [memberRoleChanged(member, fallback, source, at)]);
  throw new NestError("role_not_found");
}

/**
 * Counts a user who is added or invited against the limits of the account and of the caller, who may have many accounts.
 * @throws NestError rate_limited, unavailable
 */
export async function countAdded(
  { rateLimiter }: { rateLimiter: RateLimiter },
  { userId, account }: MemberCaller,
): Promise<void> {
  const limits = rateLimiter.closed;
  refuseIfOver(
    await Promise.all([
      limits.countOne("added_users_per_account", account.accountId),
      limits.countOne("added_users_per_user", userId),
    ]),
  );
}
