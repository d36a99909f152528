import type { Call } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { byHolder } from "#core/events/event_source.ts";
import { revocation } from "#core/events/session_revoked.ts";
import type { AccountMember } from "#core/repositories/account_members.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import { activeMemberships } from "#core/roles/account_role.ts";
import type { TokenPair } from "#core/sessions/issue_session.ts";

export type ChosenAccountCore = Pick<Core, "accountMembers" | "clock" | "log" | "sessions" | "users">;

/** The account in which a person wants to act, and what shows who the person is. */
export interface ChosenAccount {
  /** Undefined: the user's default account. */
  accountId: string | undefined;
  /** Reads the owner of what signs in, such as an active identifier. It is read only if an account is chosen. */
  findIdentifier: () => Promise<Pick<Identifier, "userId" | "verifiedAt"> | null>;
  /** Whether the sign-in proves the identifier. A first proof ends memberships of accounts that added the user before. */
  provesIdentifier: boolean;
  /** Records that a correct secret signed nobody in, and removes what counted it as wrong. May throw an error of its own. */
  recordRefusal?: () => Promise<unknown>;
}

/**
 * Signs a user in to an account of theirs. The account is checked after the secret, so that only the user learns of which accounts they
 * are a member, and before the secret is used up, so that it works for another account. The membership is read again after the session
 * was stored: a removal ends the sessions that it finds, so of a sign-in and a removal at once, one sees the other.
 * @param signIn issues the session of the account
 * @throws NestError account_not_found; every error of `signIn`
 */
export async function signInToAccount<Pair extends TokenPair>(
  core: ChosenAccountCore,
  { accountId, findIdentifier, provesIdentifier, recordRefusal }: ChosenAccount,
  call: Call,
  signIn: () => Promise<Pair>,
): Promise<Pair> {
  if (accountId === undefined) return signIn();
  const identifier = await findIdentifier();
  const isFirstProof = provesIdentifier && identifier?.verifiedAt === null;
  const memberships = identifier === null ? [] : await membershipsOf(core, identifier.userId);
  const lasting = memberships.filter(({ isProvisional }) => !(isFirstProof && isProvisional));
  if (!isIn(lasting, accountId)) {
    await recordRefusal?.();
    throw new NestError("account_not_found");
  }
  const pair = await signIn();
  if (isIn(await membershipsOf(core, pair.userId), accountId)) return pair;
  const session = { _id: pair.sessionId, userId: pair.userId };
  const at = core.clock.now().toISOString();
  await core.sessions.revoke(
    pair.sessionId,
    revocation(session, "removed_from_account", byHolder(pair, call), at),
  );
  core.log.info("signed_in_after_removal", { account_id: accountId, session_id: pair.sessionId });
  throw new NestError("account_not_found");
}

const isIn = (memberships: readonly AccountMember[], id: string): boolean =>
  memberships.some(({ accountId }) => accountId === id);

async function membershipsOf(core: ChosenAccountCore, userId: string): Promise<AccountMember[]> {
  const [user, memberships] = await Promise.all([
    core.users.find(userId),
    core.accountMembers.listByUser(userId),
  ]);
  return user === null ? [] : activeMemberships(user, memberships);
}
