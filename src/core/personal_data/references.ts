import { ownAccountId } from "#core/accounts/own_account.ts";
import type { Core } from "#core/core.ts";
import { identifierTypeOf } from "#core/repositories/identifiers.ts";
import type { PersonalReferences } from "#core/repositories/repository.ts";

/** The person whose documents are read or erased. */
export interface Person {
  /** Null if only documents without a user have the address, such as a link that nobody redeemed. */
  userId: string | null;
  /** Normalized addresses by which the person was found. */
  addresses: readonly string[];
}

/** Reads what the documents about a person refer to. */
export async function readReferences(
  core: Pick<Core, "accountMembers" | "identifiers" | "sessions" | "trials">,
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

/** Reads the ids of all sessions of a person, ended sessions included. */
export async function readSessionIds(core: Pick<Core, "sessions">, { userId }: Person): Promise<string[]> {
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
