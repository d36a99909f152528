import { ownAccountId } from "#core/accounts/own_account.ts";
import { type ClosingCore, closeCheckouts } from "#core/billing/plans/close_checkouts.ts";
import { hasEnded } from "#core/billing/subscriptions/stripe_state.ts";
import type { Clock } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { auditNow, auditRow } from "#core/events/audit_row.ts";
import { BY_OPERATOR } from "#core/events/event_source.ts";
import { revocation } from "#core/events/session_revoked.ts";
import { userDeleted } from "#core/events/user_deleted.ts";
import { newId } from "#core/ids.ts";
import type { Repositories } from "#core/repositories/all.ts";
import { identifierTypeOf } from "#core/repositories/identifiers.ts";
import type { Account, PersonalDocuments } from "#core/repositories/personal_documents.ts";
import type { PersonalReferences } from "#core/repositories/repository.ts";
import { parseAddress } from "#core/users/address.ts";

/** The dependencies of work on users' accounts: the database, and no key. */
export interface AccountCore extends Repositories {
  app: Pick<Core["app"], "auditDays">;
  clock: Clock;
  personalDocuments: PersonalDocuments;
}

/**
 * Finds the user that an operator names.
 * @param subject a user's id, or an email address in any spelling
 * @returns the user's id
 * @throws NestError not_found, invalid_email
 */
export async function findUserId(
  core: Pick<Core, "identifiers" | "users">,
  subject: string,
): Promise<string> {
  if (!subject.includes("@")) {
    if (await core.users.find(subject)) return subject;
    throw new NestError("not_found", { detail: "no user has this id" });
  }
  const identifier = await core.identifiers.findActive("email", parseAddress(subject).identity);
  if (!identifier) throw new NestError("not_found", { detail: "no user has this address" });
  return identifier.userId;
}

/** The person whose documents are read or erased. */
export interface Person {
  /** Null if only documents without a user have the address, such as a link that nobody redeemed. */
  userId: string | null;
  /** Normalized addresses by which the person was found. */
  addresses: readonly string[];
}

/**
 * Finds the person that an operator names. The person may have no user: somebody typed the address for a link or a
 * trial, and its owner never signed in.
 * @param subject a user's id, or an email address in any spelling
 * @throws NestError not_found, invalid_email
 */
export async function findPerson(core: AccountCore, subject: string): Promise<Person> {
  if (!subject.includes("@")) return { userId: await findUserId(core, subject), addresses: [] };
  const { identity } = parseAddress(subject);
  const person = { userId: await findUserOfAddress(core, identity), addresses: [identity] };
  const found = await core.personalDocuments.list(await readReferences(core, person));
  if (Object.values(found).some((documents) => documents.length > 0)) return person;
  throw new NestError("not_found", { detail: "no user and no other document has this address" });
}

/** Returns the user of an address, or the user of its trial if that user has no address of their own; else null. */
async function findUserOfAddress(core: AccountCore, identity: string): Promise<string | null> {
  const identifier = await core.identifiers.findActive("email", identity);
  if (identifier) return identifier.userId;
  const [ofAddress, removal] = await Promise.all([
    core.trials.findByAddress(identity),
    core.trials.findRemovalOf(identity),
  ]);
  // A trial that is being removed names its user only in `removal`.
  const trial = ofAddress ?? removal;
  if (!trial) return null;
  const identifiers = await core.identifiers.listByUser(trial.userId);
  return identifiers.some(({ removedAt }) => removedAt === null) ? null : trial.userId;
}

/** Reads every document about a person, as it is stored. */
export async function readAccount(core: AccountCore, person: Person): Promise<Account> {
  return core.personalDocuments.list(await readReferences(core, person));
}

/** Returns the ids of a person's customers at Stripe, which keeps its own records of them. */
export function customersOf({ providerMappings, subscriptions, trials }: Account): string[] {
  const ids = [
    ...providerMappings.map(({ providerValue }) => providerValue),
    ...subscriptions.map(({ stpCustomerId }) => stpCustomerId),
    ...trials.map(({ stpCustomerId }) => stpCustomerId),
  ];
  return [...new Set(ids.filter((id) => id !== null))].sort();
}

/**
 * Erases a person: every document that names the user or an address is removed or made anonymous. The sessions are revoked
 * first. Then links are removed before everything else, and the user's own document last, so that an interrupted erasure
 * can be repeated. The events of a document are moved to the audit log before the document is removed. What Stripe stores
 * stays there, but no checkout page of the person stays open.
 * @throws NestError already_subscribed while a subscription has not ended, since Stripe would go on charging for it;
 *   unavailable while a rejected subscription is not refunded yet, or without Stripe's key for a person who began a
 *   checkout; stripe_error
 */
export async function eraseAccount(core: AccountCore & ClosingCore, person: Person): Promise<void> {
  const references = await readReferences(core, person);
  const { userId } = person;
  await requireNothingDue(core, person);
  // Before anything is changed, because Stripe may fail, or a page may just have been paid.
  if (userId !== null) await closeCheckouts(core, userId);
  const now = core.clock.now().toISOString();
  const { userIds, sessionIds } = references;
  await Promise.all(
    userIds.flatMap((id) =>
      sessionIds.map((_id) =>
        core.sessions.revoke(_id, revocation({ _id, userId: id }, "revoked_by_operator", BY_OPERATOR, now)),
      ),
    ),
  );
  // Again, because a call that began earlier may have opened another page. A later call finds its session revoked.
  if (userId !== null) await closeCheckouts(core, userId);
  // The row is written before the first removal, so that a crash leaves no removal without a row. A repeated erasure adds none.
  for (const id of userIds) await auditNow(core, userDeleted(id, BY_OPERATOR, now));
  await core.personalDocuments.erase(references, {
    now,
    newErasureId: () => newId("erasure"),
    readSessionIds: () => readSessionIds(core, person),
    // The rows of an erased person have no origin.
    keepEvents: (events) =>
      core.auditLogs.insertMissing(events.map((event) => auditRow(core, { ...event, origin: null }))),
    listWithoutMembers: async (accountIds) => {
      const kept = await core.accountMembers.listWithMembers(accountIds);
      return accountIds.filter((id) => !kept.includes(id));
    },
  });
}

async function requireNothingDue(
  core: Pick<AccountCore, "subscriptions">,
  { userId }: Person,
): Promise<void> {
  const subscriptions = userId === null ? [] : await core.subscriptions.listByUser(userId);
  const charged = subscriptions.filter(({ status, rejectedAt }) => rejectedAt === null && !hasEnded(status));
  if (charged.length > 0)
    throw new NestError("already_subscribed", {
      detail: `cancel the subscription at Stripe first: ${idsOf(charged)}`,
    });
  // Without its document, no record would show that the subscription must be refunded.
  const unrefunded = subscriptions.filter(
    ({ rejectedAt, refundedAt }) => rejectedAt !== null && refundedAt === null,
  );
  if (unrefunded.length > 0)
    throw new NestError("unavailable", {
      detail: `a duplicate subscription is not refunded yet: replay its events first: ${idsOf(unrefunded)}`,
    });
}

const idsOf = (subscriptions: readonly { stpSubscriptionId: string }[]) =>
  subscriptions.map(({ stpSubscriptionId }) => stpSubscriptionId).join(", ");

async function readReferences(
  core: Pick<AccountCore, "accountMembers" | "identifiers" | "sessions" | "trials">,
  person: Person,
): Promise<PersonalReferences> {
  const { userId } = person;
  if (userId === null) return { userIds: [], accountIds: [], sessionIds: [], addresses: person.addresses };
  const [identifiers, sessionIds, trials, memberships] = await Promise.all([
    core.identifiers.listByUser(userId),
    readSessionIds(core, person),
    core.trials.listByUser(userId),
    core.accountMembers.listByUser(userId),
  ]);
  // Trials of 2022 have no address.
  const typed = [...identifiers, ...trials].flatMap(({ identifierValue }) => identifierValue ?? []);
  const addresses = await ownAddresses(core, userId, [...new Set([...person.addresses, ...typed])]);
  // An interrupted erasure may have removed the membership of the user's own account, and not the account.
  const accountIds = [...new Set([ownAccountId(userId), ...memberships.map(({ accountId }) => accountId)])];
  return { userIds: [userId], accountIds, sessionIds, addresses };
}

async function readSessionIds(core: Pick<Core, "sessions">, { userId }: Person): Promise<string[]> {
  const sessions = userId === null ? [] : await core.sessions.listByUser(userId);
  return sessions.map(({ _id }) => _id);
}

/** Leaves out an address that now belongs to another user: its links and mail events belong to that user too. */
async function ownAddresses(
  core: Pick<Core, "identifiers">,
  userId: string,
  addresses: readonly string[],
): Promise<string[]> {
  const found = await Promise.all(
    addresses.map(async (address) => {
      const holder = await core.identifiers.findActive(identifierTypeOf(address), address);
      return holder === null || holder.userId === userId ? [address] : [];
    }),
  );
  return found.flat();
}
