import { ensureOwnAccounts, ownAccountId } from "#core/accounts/own_account.ts";
import type { Core } from "#core/core.ts";
import { memberRemoved } from "#core/events/account_events.ts";
import { type AuditCore, auditRow } from "#core/events/audit_row.ts";
import type { EventSource } from "#core/events/event_source.ts";
import { identifierRemoved, identifierVerified } from "#core/events/identifier_events.ts";
import type { RemovedReason } from "#core/events/record_event.ts";
import { revocation } from "#core/events/session_revoked.ts";
import type { AccountMember } from "#core/repositories/account_members.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { Password, RemovedPassword } from "#core/repositories/passwords.ts";
import type { PendingIdentifier } from "#core/repositories/pending_identifiers.ts";
import { hashSecret } from "#core/secrets.ts";
import { settleAll } from "#core/settle.ts";
import { withdrawConsent } from "#core/users/marketing_consent.ts";
import { isUnproved } from "#core/users/unproved_session.ts";

export type ProofCore = AuditCore &
  Pick<
    Core,
    | "accountMembers"
    | "accounts"
    | "clock"
    | "identifiers"
    | "marketingConsents"
    | "passwords"
    | "pendingIdentifiers"
    | "sessions"
    | "users"
    | "verifications"
  >;

/** A proof of an identifier that nobody had proved before. */
export interface FirstProof {
  source: EventSource;
  /** ISO. */
  at: string;
  /**
   * Whether the same person set everything that the user has: the proof shows a secret that only the person got who claimed the
   * identifier, such as the nonce of the request, or a token of the user's session.
   */
  isByClaimant: boolean;
  /** The verification that proves it; it stays open. Null if a magic link proves it. */
  verificationId: string | null;
  /** The device of the person who proves it, which is known from then on; null if the proof names none. */
  beakId: string | null;
}

/**
 * Whether a user may add an address or number. Until the first proof, another person may have claimed what the user has, and
 * must not add what stays after the owner proves it.
 * @param identifiers all of the user's; removed ones don't count
 */
export function mayAddIdentifiers(
  identifiers: readonly Pick<Identifier, "verifiedAt" | "removedAt">[],
): boolean {
  const active = identifiers.filter(({ removedAt }) => removedAt === null);
  return active.length === 0 || active.some(({ verifiedAt }) => verifiedAt !== null);
}

/**
 * Marks a claimed identifier as verified. Until then somebody else may have claimed it, to wait for its owner (pre-hijacking).
 * So everything that was set for the user without a proof is dropped first: the password, sessions, pending identifiers, open codes and
 * links, names, locale and metadata, consent, the known devices, and memberships of accounts that added the user. Roles stay, and the
 * profile of a user whom an administrator created. Every route of proof calls this function: magic links, codes, verification links,
 * resets. Safe to repeat: a call that stops between the writes leaves the identifier unverified, and the next proof runs all again.
 */
export async function proveClaimed(
  core: ProofCore,
  identifier: Pick<Identifier, "_id" | "userId" | "identifierType" | "claimedBy">,
  proof: FirstProof,
): Promise<void> {
  const { source, at, isByClaimant, beakId } = proof;
  if (!isByClaimant) await dropUnproved(core, identifier, proof);
  const devices = beakId === null ? [] : [hashSecret(beakId)];
  const events = [identifierVerified(identifier, source, at)];
  // One write: a device that is remembered at the same time is either replaced, or the owner's.
  await core.identifiers.verify(identifier._id, at, events, isByClaimant ? undefined : devices);
}

/**
 * The order decides races. What a simultaneous registration stores after its read is refused by that call, which checks last. A
 * sign-in whose password was accepted before its removal began earlier than the time of `endUnproved`, which refuses its session.
 */
async function dropUnproved(
  core: ProofCore,
  { _id, userId, claimedBy }: Pick<Identifier, "_id" | "userId" | "claimedBy">,
  { source, at, verificationId }: FirstProof,
): Promise<void> {
  // A registration that is running can't complete from here on, and takes back what it stores.
  await core.identifiers.refuseRegistration(_id);
  const password = await core.passwords.findByUser(userId);
  // Before the sessions end: from here on, no password of a stranger is accepted. One that is not provisional was stored by the
  // owner, in a proof that ran at the same time.
  if (password?.isProvisional) await dropPassword(core, password, { isProvisional: true });
  const [sessions, memberships, open] = await Promise.all([
    core.sessions.listUnrevoked(userId),
    core.accountMembers.listByUser(userId),
    core.verifications.listOpenOfUser(userId, at),
  ]);
  const isOther = open.some(({ _id }) => _id !== verificationId);
  await settleAll([
    core.users.endUnproved(userId, core.clock.now().toISOString(), { keepsProfile: claimedBy === "admin" }),
    core.sessions.revokeAll(
      sessions.filter(isUnproved).map((session) => ({
        sessionId: session._id,
        ...revocation(session, "address_proved", source, at),
      })),
    ),
    isOther ? core.verifications.revokeOfUser(userId, verificationId, at) : null,
    removePending(core, userId, { source, at, reason: "address_proved" }),
    core.accounts.removeName(ownAccountId(userId), at),
    withdrawConsent(core, userId, { source, at }),
    endProvisional(core, memberships, { source, at }),
  ]);
  await endAdded(core, userId, { source, at });
}

/** Members whom a user can have added without a proof are read in parts of this many. */
const MEMBERS_READ = 100;

/**
 * Ends the memberships of the user's own account: whoever claimed the address may have added them, and must not read what the owner of
 * the address keeps there. After the sessions, so that a call that adds a member meanwhile takes it back.
 */
async function endAdded(
  core: ProofCore,
  ownerId: string,
  { source, at }: Pick<FirstProof, "source" | "at">,
): Promise<void> {
  for (;;) {
    const page = { limit: MEMBERS_READ, after: null };
    const members = await core.accountMembers.listPage(ownAccountId(ownerId), page);
    const others = members.filter(({ userId }) => userId !== ownerId);
    if (others.length === 0) return;
    for (const member of others) await endMembership(core, member, { source, at });
  }
}

/**
 * Ends the memberships of accounts that added the user before the proof, so that the owner of the address is in no account that they
 * did not choose. They act in an account of their own from then on.
 */
async function endProvisional(
  core: ProofCore,
  memberships: readonly AccountMember[],
  { source, at }: Pick<FirstProof, "source" | "at">,
): Promise<void> {
  const ended = memberships.filter(({ isProvisional, removedAt }) => isProvisional && removedAt === null);
  for (const member of ended) await endMembership(core, member, { source, at });
}

/** Ends a membership, and the sessions that chose the account. Its user acts in an account of their own from then on. Safe to repeat. */
async function endMembership(
  core: ProofCore,
  member: AccountMember,
  { source, at }: Pick<FirstProof, "source" | "at">,
): Promise<void> {
  const { _id, userId, accountId } = member;
  await ensureOwnAccounts(core, [{ _id: userId, createdAt: at }]);
  const removal = { at, events: [memberRemoved(member, source, at)], wasDefault: true };
  await settleAll([
    core.accountMembers.remove({ _id }, removal),
    core.users.changeDefaultAccount(userId, accountId, ownAccountId(userId)),
  ]);
  const sessions = await core.sessions.listUnrevoked(userId);
  const chosen = sessions.filter((session) => session.accountId === accountId);
  const end = (session: (typeof sessions)[number]) => revocation(session, "removed_from_account", source, at);
  await core.sessions.revokeAll(chosen.map((session) => ({ sessionId: session._id, ...end(session) })));
}

/**
 * Removes every pending identifier of a user, or one, and records why. Safe to repeat.
 * @param value normalized; undefined: all
 */
export async function removePending(
  core: Pick<Core, "pendingIdentifiers">,
  userId: string,
  { source, at, reason }: Pick<FirstProof, "source" | "at"> & { reason: RemovedReason },
  value?: string,
): Promise<void> {
  const open = await core.pendingIdentifiers.listOpen(userId);
  const removed = open.filter(({ identifierValue }) => value === undefined || identifierValue === value);
  const eventsOf = (one: PendingIdentifier) => [identifierRemoved({ ...one, reason }, source, at)];
  await settleAll(removed.map((one) => core.pendingIdentifiers.remove(one._id, at, eventsOf(one))));
}

/**
 * Removes a password. Its events are moved to the audit log first, which would be lost with it.
 * @param only the password that is removed; one that was set since stays
 */
export async function dropPassword(
  core: AuditCore & Pick<Core, "passwords">,
  { userId, events = [] }: Pick<Password, "userId" | "events">,
  only: RemovedPassword,
): Promise<void> {
  await core.auditLogs.insertMissing(events.map((event) => auditRow(core, event)));
  await core.passwords.remove(userId, only);
}
