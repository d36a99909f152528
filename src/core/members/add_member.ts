import type { Call, MemberCaller } from "#core/call.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { memberAdded, memberRemoved } from "#core/events/account_events.ts";
import { byHolder, type EventSource } from "#core/events/event_source.ts";
import { passwordSet } from "#core/events/reset_events.ts";
import { derivedIdOf, newId } from "#core/ids.ts";
import { recordMembersRole } from "#core/members/granted_role.ts";
import { type CheckCore, checkPassword } from "#core/passwords/check_password.ts";
import type { HashedPassword, PasswordHasher } from "#core/passwords/password_hasher.ts";
import type { AccountMember } from "#core/repositories/account_members.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import { carrying } from "#core/repositories/outbox.ts";
import { MEMBER } from "#core/roles/built_in.ts";
import { joinOwners } from "#core/roles/leave_owners.ts";
import { unauthorized } from "#core/sessions/access_token.ts";
import { settleAll } from "#core/settle.ts";
import { newIdentifier } from "#core/users/sign_in_user.ts";
import type { CodeTarget } from "#core/verifications/code_request.ts";

export type AddCore = CheckCore &
  Pick<
    Core,
    "accountMembers" | "accounts" | "clock" | "identifiers" | "passwords" | "roles" | "sessions" | "users"
  > & {
    passwordHasher: PasswordHasher;
  };

/** A user whom a member adds to an account with a password. */
export interface AddedUser {
  client: OAuthClient;
  target: CodeTarget;
  /** As typed. */
  password: string;
  /** As a membership refers to the role. */
  role: string;
}

/** Who adds a user, by which call, and when. */
interface Adding {
  caller: MemberCaller;
  source: EventSource;
  /** ISO. */
  at: string;
}

const taken = () => new NestError("identifier_taken");

/**
 * Creates a user with a password who is a member of an account. The insert of the identifier decides who gets the address: one of any
 * number of simultaneous calls. Before it, nobody can find the user's other documents. A call that stops later is completed by a call
 * with the same password. The password and the membership end when somebody else proves the address.
 * @returns the id of the user
 * @throws NestError identifier_taken, password_not_acceptable, unavailable
 */
export async function addMember(
  core: AddCore,
  added: AddedUser,
  caller: MemberCaller,
  call: Call,
): Promise<string> {
  const { client, target, password } = added;
  const found = await core.identifiers.findActive(target.type, target.identity);
  const at = core.clock.now().toISOString();
  const adding = { caller, source: byHolder(caller, call), at };
  if (found !== null) return complete(core, added, found, adding);
  await checkPassword(core, client, { password, addresses: [target.identity] });
  const hashed = await core.passwordHasher.hash(password);
  const fresh = newIdentifier({ ...target }, newId("user"), adding.source, at);
  await storeUser(core, fresh, hashed, adding);
  if (!(await core.identifiers.insert(fresh))) {
    await settleAll([
      core.passwords.remove(fresh.userId, { updatedAt: at }),
      core.users.discard(fresh.userId),
    ]);
    throw taken();
  }
  return addMembership(core, added, fresh, adding);
}

/** Nobody can find the documents until the identifier is inserted. */
async function storeUser(
  core: AddCore,
  { userId }: Identifier,
  hashed: HashedPassword,
  { caller, source, at }: Adding,
): Promise<void> {
  const password = { ...hashed, setBy: "admin", mustChange: true, isProvisional: true } as const;
  await settleAll([
    core.users.insertAdded(userId, at, caller.account.accountId),
    core.passwords.insert(userId, password, { now: at, events: [passwordSet(userId, source, at)] }),
  ]);
}

/**
 * Completes a call that stopped before it stored the membership.
 * @throws NestError identifier_taken for every other user
 */
async function complete(core: AddCore, added: AddedUser, found: Identifier, adding: Adding): Promise<string> {
  const { userId } = found;
  const [user, memberships, password] = await Promise.all([
    core.users.find(userId),
    core.accountMembers.listByUser(userId),
    core.passwords.findByUser(userId),
  ]);
  const isIncomplete =
    found.verifiedAt === null &&
    user?.defaultAccountId === adding.caller.account.accountId &&
    memberships.length === 0 &&
    password?.setBy === "admin";
  if (!isIncomplete || !(await core.passwordHasher.matches(added.password, password))) throw taken();
  return addMembership(core, added, found, adding);
}

/**
 * @throws NestError identifier_taken if the owner of the address begins to prove it meanwhile; unauthorized if the caller's session
 *   ended meanwhile
 */
async function addMembership(
  core: AddCore,
  { role, target }: AddedUser,
  { _id, userId }: Identifier,
  { caller, source, at }: Adding,
): Promise<string> {
  const { accountId } = caller.account;
  const content = { accountId, userId, role } as const;
  const member: AccountMember = {
    // Not of the user's id, from which the membership of an account of their own derives.
    ...{ _id: derivedIdOf(_id, "accountMember"), ...content, status: "active" },
    ...{ createdAt: at, removedAt: null, isProvisional: true },
    ...carrying([memberAdded(content, source, at)]),
  };
  await core.accountMembers.insert(member);
  await recordMembersRole(core, member, MEMBER, { source, at });
  // A proof refuses registrations before it reads the memberships that it ends.
  // A proof of the caller's address ends the caller's session before it reads whom the caller added.
  const hasOwner = await joinOwners(core, accountId);
  const [current, session, adding] = await Promise.all([
    core.identifiers.findActive(target.type, target.identity),
    core.sessions.find(caller.sessionId),
    core.users.find(caller.userId),
  ]);
  // An owner who is deleted at this moment leaves an account without other members.
  const isOwn = hasOwner && session !== null && session.revokedAt === null && adding?.status !== "deleted";
  if (isOwn && current?._id === _id && current.verifiedAt === null && current.registration === undefined)
    return userId;
  const removal = { at, events: [memberRemoved(member, source, at)], wasDefault: true };
  await core.accountMembers.remove({ _id: member._id }, removal);
  throw isOwn ? taken() : unauthorized("token_revoked");
}
