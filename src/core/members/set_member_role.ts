import type { Call, MemberCaller } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { decideAgain } from "#core/decide_again.ts";
import { NestError } from "#core/errors.ts";
import { memberRoleChanged } from "#core/events/account_events.ts";
import { byHolder } from "#core/events/event_source.ts";
import { judgeGrantedRole, recordMembersRole, requireDominance } from "#core/members/granted_role.ts";
import type { AccountMember } from "#core/repositories/account_members.ts";
import { OWNER } from "#core/roles/built_in.ts";
import { leaveOwners, type OwnerGuardCore } from "#core/roles/leave_owners.ts";

export type MemberRoleCore = OwnerGuardCore & Pick<Core, "roles">;

/**
 * Gives a member another role. A caller grants and takes only roles that allow no more than their own.
 * @param wanted the member, and the key of the role
 * @returns the membership with the role
 * @throws NestError user_not_found, role_not_found, capability_escalation, last_owner, unavailable
 */
export async function setMemberRole(
  core: MemberRoleCore,
  { userId, roleKey }: { userId: string; roleKey: string },
  caller: MemberCaller,
  call: Call,
): Promise<AccountMember> {
  const source = byHolder(caller, call);
  const { account } = caller;
  return decideAgain(async () => {
    const [memberships, own] = await Promise.all([
      core.accountMembers.listByUser(userId),
      core.roles.list("account"),
    ]);
    const member = memberships.find((one) => one.accountId === account.accountId && one.removedAt === null);
    if (!member) throw new NestError("user_not_found");
    const role = judgeGrantedRole(account, roleKey, own);
    requireDominance(account, member.role, own);
    if (member.role === role) return member;
    const at = core.clock.now().toISOString();
    const changed = await write(core, member, role, [memberRoleChanged(member, role, source, at)]);
    if (changed !== null) await recordMembersRole(core, changed, member.role, { source, at });
    return changed;
  }, "other calls changed the member");
}

/** @returns null if another call changed the member meanwhile */
function write(
  core: MemberRoleCore,
  member: AccountMember,
  role: string,
  events: Parameters<Core["accountMembers"]["changeRole"]>[2],
): Promise<AccountMember | null> {
  const change = () => core.accountMembers.changeRole(member, role, events);
  return member.role === OWNER ? leaveOwners(core, member, change) : change();
}
