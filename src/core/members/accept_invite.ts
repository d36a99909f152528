import type { Call, Caller } from "#core/call.ts";
import { dominates } from "#core/capabilities.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { memberAdded, memberRemoved } from "#core/events/account_events.ts";
import { byHolder } from "#core/events/event_source.ts";
import { derivedIdOf } from "#core/ids.ts";
import { recordMembersRole } from "#core/members/granted_role.ts";
import type { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import type { AccountMember } from "#core/repositories/account_members.ts";
import { carrying } from "#core/repositories/outbox.ts";
import type { Invite } from "#core/repositories/pending_registration.ts";
import type { Verification } from "#core/repositories/verifications.ts";
import { standingIn } from "#core/roles/account_role.ts";
import { MEMBER } from "#core/roles/built_in.ts";
import { joinOwners } from "#core/roles/leave_owners.ts";
import { roleAt } from "#core/roles/rights.ts";
import { mayNotSignIn } from "#core/sessions/session_state.ts";
import type { CodeKey } from "#core/verifications/code_key.ts";
import { findPresented, redeemVerification } from "#core/verifications/redeem_verification.ts";

export type AcceptCore = Pick<
  Core,
  "accountMembers" | "accounts" | "clock" | "identifiers" | "log" | "roles" | "users" | "verifications"
> & { codeKey: CodeKey; rateLimiter: RateLimiter };

const notFound = () => new NestError("verification_not_found");

/**
 * Makes the user a member of the account that invited them. The user must have proved the address to which the link was sent; for
 * others the token is unknown, and stays unused. A member who may not add users with the role any more invites nobody,
 * and an invitation ends when its person is removed from the account.
 * @returns the id of the account
 * @throws NestError verification_not_found, rate_limited, unavailable
 */
export async function acceptInvite(
  core: AcceptCore,
  { client, token }: { client: OAuthClient; token: string },
  caller: Extract<Caller, { kind: "user" }>,
  call: Call,
): Promise<string> {
  const now = core.clock.now();
  const accepted = { purposes: ["invite"] as const, clientId: client.id, now };
  const verification = await findPresented(core, { token }, accepted, call);
  const { invite } = verification;
  if (!invite) throw notFound();
  const [owner, isAllowed, memberships] = await Promise.all([
    core.identifiers.findActive(verification.identifierType, verification.identifierValue),
    mayStillInvite(core, invite),
    core.accountMembers.listByUser(caller.userId),
  ]);
  const isInvited = owner?.userId === caller.userId && owner.verifiedAt !== null;
  if (!isInvited || !isAllowed || wasRemoved(memberships, invite, verification)) throw notFound();
  const joining = { verification, invite, caller, call, at: now.toISOString() };
  await redeemVerification(core, verification, { now, call }, () => join(core, joining));
  core.log.info("account_invite_accepted", { account_id: invite.accountId, user_id: caller.userId });
  return invite.accountId;
}

/**
 * Whether the person was removed from the account after the invitation was created, without I/O. Removal revokes the invitations to the
 * addresses that the person has then. This holds for addresses that they add later, and for an invitation that is being accepted.
 */
const wasRemoved = (
  memberships: readonly AccountMember[],
  invite: Invite,
  { createdAt }: Pick<Verification, "createdAt">,
): boolean =>
  memberships.some(
    ({ accountId, removedAt }) => accountId === invite.accountId && (removedAt ?? "") > createdAt,
  );

/**
 * Whether the inviting user is a member who could grant the role now. Otherwise a removed member could come back by their own
 * invitation.
 */
async function mayStillInvite(core: AcceptCore, { accountId, role, invitedBy }: Invite): Promise<boolean> {
  const [user, memberships, own] = await Promise.all([
    core.users.find(invitedBy),
    core.accountMembers.listByUser(invitedBy),
    core.roles.list("account"),
  ]);
  const granted = roleAt("account", role, own);
  const standing = user && !mayNotSignIn(user) ? standingIn({ user, memberships, own }, accountId) : null;
  if (standing === null || granted === null) return false;
  return standing.capabilities.includes("account.users.manage") && dominates(standing, granted);
}

interface Joining {
  verification: Verification;
  invite: Invite;
  caller: Extract<Caller, { kind: "user" }>;
  call: Call;
  at: string;
}

/**
 * Stores the membership, unless the user is a member already. Safe to repeat. What was decided before is decided again after the
 * write, because a removal of the person, of the inviting member or of the last owner may have run meanwhile and seen no membership.
 * @throws NestError verification_not_found
 */
async function join(core: AcceptCore, joining: Joining): Promise<void> {
  const { verification, invite, caller, call, at } = joining;
  const source = byHolder(caller, call);
  const content = { accountId: invite.accountId, userId: caller.userId, role: invite.role } as const;
  const member: AccountMember = {
    ...{ _id: derivedIdOf(verification._id, "accountMember"), ...content, status: "active" },
    ...{ createdAt: at, removedAt: null, ...carrying([memberAdded(content, source, at)]) },
  };
  await core.accountMembers.insert(member);
  const hasOwner = await joinOwners(core, invite.accountId);
  const [isAllowed, memberships] = await Promise.all([
    mayStillInvite(core, invite),
    core.accountMembers.listByUser(caller.userId),
  ]);
  if (!hasOwner || !isAllowed || wasRemoved(memberships, invite, verification)) {
    // Of a user who was a member already, this ends nothing.
    const removal = { at, events: [memberRemoved(member, source, at)], wasDefault: false };
    await core.accountMembers.remove({ _id: member._id }, removal);
    throw notFound();
  }
  // A call that stored the membership may have stopped before this.
  await recordMembersRole(core, member, MEMBER, { source, at });
}
