import { type ClosingCore, closeCheckouts } from "#core/billing/plans/close_checkouts.ts";
import { hasEnded } from "#core/billing/subscriptions/stripe_state.ts";
import { NestError } from "#core/errors.ts";
import { auditNow, auditRow } from "#core/events/audit_row.ts";
import { BY_OPERATOR, type EventSource } from "#core/events/event_source.ts";
import { revocation } from "#core/events/session_revoked.ts";
import { userDeleted } from "#core/events/user_deleted.ts";
import { newId } from "#core/ids.ts";
import type { AccountCore } from "#core/personal_data/find_person.ts";
import { type Person, readReferences, readSessionIds } from "#core/personal_data/references.ts";
import type { Account } from "#core/repositories/personal_documents.ts";

/** Reads every document about a person, as it is stored. */
export async function readAccount(core: AccountCore, person: Person): Promise<Account> {
  return core.personalDocuments.list(await readReferences(core, person));
}

/**
 * Erases a person: every document that names the user or an address is removed or made anonymous. The sessions are revoked
 * first. Then links are removed before everything else, and the user's own document last, so that an interrupted erasure
 * can be repeated. The events of a document are moved to the audit log before the document is removed. What Stripe stores
 * stays there, but no checkout page of the person stays open.
 * @param source who erases the person. A user who deleted themselves has the row of that already
 * @throws NestError already_subscribed while a subscription has not ended, since Stripe would go on charging for it;
 *   unavailable while a rejected subscription is not refunded yet, or without Stripe's key for a person who began a
 *   checkout; stripe_error
 */
export async function eraseAccount(
  core: AccountCore & ClosingCore,
  person: Person,
  source: EventSource = BY_OPERATOR,
): Promise<void> {
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
        core.sessions.revoke(_id, revocation({ _id, userId: id }, "revoked_by_operator", source, now)),
      ),
    ),
  );
  // Again, because a call that began earlier may have opened another page. A later call finds its session revoked.
  if (userId !== null) await closeCheckouts(core, userId);
  // The row is written before the first removal, so that a crash leaves no removal without a row. A repeated erasure adds none.
  for (const id of userIds) await auditNow(core, userDeleted(id, source, now));
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
