import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { memberAdded } from "#core/events/account_events.ts";
import type { EventSource } from "#core/events/event_source.ts";
import { derivedIdOf } from "#core/ids.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import { carrying } from "#core/repositories/outbox.ts";
import { MEMBER } from "#core/roles/built_in.ts";

/**
 * Checks that an account exists and has a member: nobody could manage the membership of another user.
 * @throws NestError account_not_found
 */
export async function requireAccount(
  { accountMembers, accounts }: Pick<Core, "accountMembers" | "accounts">,
  id: string,
): Promise<void> {
  const [account, withMembers] = await Promise.all([accounts.find(id), accountMembers.listWithMembers([id])]);
  if (account === null || account.deletedAt !== null || withMembers.length === 0)
    throw new NestError("account_not_found");
}

/**
 * Makes a user whom an administrator created a member of an account. Unlike that of a user whom members added, the membership stays
 * when the owner of the address proves it, as everything that administrators set. Safe to repeat.
 */
export async function joinAccount(
  { accountMembers }: Pick<Core, "accountMembers">,
  { _id, userId }: Pick<Identifier, "_id" | "userId">,
  accountId: string,
  { source, at }: { source: EventSource; at: string },
): Promise<void> {
  const content = { accountId, userId, role: MEMBER } as const;
  await accountMembers.insert({
    // Not of the user's id, from which the membership of the account of their own derives.
    ...{ _id: derivedIdOf(_id, "accountMember"), ...content, status: "active" },
    ...{ createdAt: at, removedAt: null, ...carrying([memberAdded(content, source, at)]) },
  });
}
