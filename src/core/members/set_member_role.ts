import type { Call, MemberCaller } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { memberRoleChanged } from "#core/events/account_events.ts";
import { byHolder } from "#core/events/event_source.ts";
import { judgeGrantedRole, recordMembersRole, requireDominance } from "#core/members/granted_role.ts";
import type { AccountMember } from "#core/repositories/account_members.ts";
import { OWNER } from "#core/roles/built_in.ts";
import { leaveOwners, type OwnerGuardCore } from "#core/roles/leave_owners.ts";

export type MemberRoleCore = OwnerGuardCore & Pick<Core, "roles">;

/** How often a change is judged again because another call changed the member meanwhile. */
const ATTEMPTS = 5;

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
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
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
    const changed = await write(core, member, role, () => [memberRoleChanged(member, role, source, at)]);
    if (changed === null) continue;
    await recordMembersRole(core, changed, member.role, { source, at });
    return changed;
  }
  throw new NestError("unavailable", { detail: "other calls changed the member" });
}

/** @returns null if another call changed the member meanwhile */
async function write(
  core: MemberRoleCore,
  member: AccountMember,
  role: string,
  events: () => Parameters<Core["accountMembers"]["changeRole"]>[2],
): Promise<AccountMember | null> {
  if (member.role !== OWNER) return core.accountMembers.changeRole(member, role, events());
  let changed: AccountMember | null = null;
  await leaveOwners(core, member, async () => {
    changed = await core.accountMembers.changeRole(member, role, events());
    return changed !== null;
  });
  return changed;
}
