import type { Core } from "#core/core.ts";
import type { Member } from "#core/members/member_view.ts";
import { cutPage, type ListName, type Page } from "#core/paging.ts";
import type { AccountMember } from "#core/repositories/account_members.ts";

type MemberCore = Pick<Core, "accountMembers" | "identifiers" | "users">;

/** A page of the members of an account. */
export interface MemberPage {
  members: Member[];
  nextCursor: string | null;
}

/** Lists the members of an account, the oldest membership first. Members who are added meanwhile do not move the others. */
export async function listMembers(
  core: MemberCore,
  accountId: string,
  page: Page,
  list: ListName,
): Promise<MemberPage> {
  const found = await core.accountMembers.listPage(accountId, { ...page, limit: page.limit + 1 });
  const { items, nextCursor } = cutPage(found, page.limit, list);
  return { members: await describeMembers(core, items), nextCursor };
}

/** Reads the users of memberships. A user who was erased meanwhile is left out. */
export async function describeMembers(
  core: MemberCore,
  memberships: readonly AccountMember[],
): Promise<Member[]> {
  const ids = memberships.map(({ userId }) => userId);
  const [users, identifiers] = await Promise.all([
    core.users.listByIds(ids),
    core.identifiers.listByUsers(ids),
  ]);
  return memberships.flatMap((membership) => {
    const user = users.find(({ _id }) => _id === membership.userId);
    const own = identifiers.filter(({ userId }) => userId === membership.userId);
    return user ? [{ membership, user, identifiers: own }] : [];
  });
}
