import { hasEnded } from "#core/billing/subscriptions/stripe_state.ts";
import type { Clock } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { newId } from "#core/ids.ts";
import type { Repositories } from "#core/repositories/all.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { Account, PersonalDocuments } from "#core/repositories/personal_documents.ts";
import type { PersonalReferences } from "#core/repositories/repository.ts";
import { parseAddress } from "#core/users/address.ts";

/** The dependencies of work on users' accounts: the database, and no key. */
export interface AccountCore extends Repositories {
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

/**
 * Reads every document about a user, as it is stored.
 * @throws NestError not_found
 */
export async function readAccount(core: AccountCore, userId: string): Promise<Account> {
  return core.personalDocuments.list(await readReferences(core, userId));
}

/**
 * Erases a user: every document that names the user is removed or made anonymous. The sessions are revoked first. Then
 * links are removed before everything else, and the user's own document last, so that an interrupted erasure can be
 * repeated. What Stripe stores stays there.
 * @throws NestError not_found; already_subscribed while a subscription has not ended, since Stripe would go on charging for it;
 *   unavailable while a rejected subscription is not refunded yet
 */
export async function eraseAccount(core: AccountCore, userId: string): Promise<void> {
  const references = await readReferences(core, userId);
  await requireNothingDue(core, userId);
  const now = core.clock.now().toISOString();
  await Promise.all(references.sessionIds.map((id) => core.sessions.revoke(id, "revoked_by_operator", now)));
  await core.personalDocuments.erase(references, {
    now,
    newErasureId: () => newId("erasure"),
    readSessionIds: () => readSessionIds(core, userId),
  });
}

async function requireNothingDue(core: Pick<AccountCore, "subscriptions">, userId: string): Promise<void> {
  const subscriptions = await core.subscriptions.listByUser(userId);
  if (subscriptions.some(({ status, rejectedAt }) => rejectedAt === null && !hasEnded(status)))
    throw new NestError("already_subscribed", { detail: "cancel the subscription at Stripe first" });
  // Without its document, no record would show that the subscription must be refunded.
  if (subscriptions.some(({ rejectedAt, refundedAt }) => rejectedAt !== null && refundedAt === null))
    throw new NestError("unavailable", {
      detail: "a duplicate subscription is not refunded yet: replay its events first",
    });
}

async function readReferences(
  core: Pick<AccountCore, "users" | "identifiers" | "sessions">,
  userId: string,
): Promise<PersonalReferences> {
  const [user, identifiers, sessionIds] = await Promise.all([
    core.users.find(userId),
    core.identifiers.listByUser(userId),
    readSessionIds(core, userId),
  ]);
  if (!user) throw new NestError("not_found", { detail: "no user has this id" });
  return {
    userIds: [userId],
    sessionIds,
    addresses: await ownAddresses(core, identifiers),
  };
}

async function readSessionIds(core: Pick<Core, "sessions">, userId: string): Promise<string[]> {
  const sessions = await core.sessions.listByUser(userId);
  return sessions.map(({ _id }) => _id);
}

/** The user's addresses, without a removed address that now belongs to another user, and whose links and mail do too. */
async function ownAddresses(
  core: Pick<Core, "identifiers">,
  identifiers: readonly Identifier[],
): Promise<string[]> {
  const found = await Promise.all(
    identifiers.map(async ({ identifierValue, removedAt, userId }) => {
      const holder = removedAt === null ? null : await core.identifiers.findActive("email", identifierValue);
      return holder === null || holder.userId === userId ? [identifierValue] : [];
    }),
  );
  return found.flat();
}
