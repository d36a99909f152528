import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { cursorAfter, cutPage, type ListName, type Page } from "#core/paging.ts";
import type { Identifier, IdentifierType } from "#core/repositories/identifiers.ts";
import { removedStartingWith, startingWith } from "#core/repositories/prefix_page.ts";
import type { Role } from "#core/repositories/roles.ts";
import type { UserFilter } from "#core/repositories/user_lists.ts";
import type { User } from "#core/repositories/users.ts";
import { EVERYBODY } from "#core/roles/built_in.ts";
import { referenceTo } from "#core/roles/rights.ts";
import { statusOf } from "#core/users/user_view.ts";

type ListCore = Pick<Core, "identifiers" | "users">;

/** Which users to list. */
export interface UserQuery {
  /** The start of an email address, or of a phone number with its plus sign. */
  query?: string | undefined;
  status?: "active" | "disabled" | "deleted" | undefined;
  /** The key of a platform role. */
  role?: string | undefined;
  /** ISO, in any time zone. */
  created_after?: string | undefined;
}

/** A user of a page. */
export interface ListedUser {
  user: User;
  identifiers: Identifier[];
  /** The address or number that starts with the query; null without a query. */
  match: string | null;
}

/** A page of users. */
export interface UserPage {
  users: ListedUser[];
  nextCursor: string | null;
}

/**
 * Lists users. Without `query` the newest come first; the number of commands and of documents that are read depends on the page only.
 * With `query` they are sorted by address. Deleted users are found by the addresses that they had. The other conditions are applied to
 * the users of a page, so it can have fewer users than its limit, or none.
 * @param asked the query, and the app's own platform roles
 * @throws NestError role_not_found
 */
export async function listUsers(
  core: ListCore,
  { query: { query, ...conditions }, own }: { query: UserQuery; own: readonly Role[] },
  page: Page,
  list: ListName,
): Promise<UserPage> {
  const filter = readFilter(conditions, own);
  if (query !== undefined) return listByAddress(core, { query, filter }, page, list);
  const found = await core.users.listPage(filter, { ...page, limit: page.limit + 1 });
  const { items, nextCursor } = cutPage(found, page.limit, list);
  return { users: await withIdentifiers(core, items), nextCursor };
}

/** @throws NestError role_not_found */
function readFilter({ status, role, created_after: after }: UserQuery, own: readonly Role[]): UserFilter {
  const reference = role === undefined || role === EVERYBODY ? null : referenceTo("platform", role, own);
  if (reference === null && role !== undefined && role !== EVERYBODY) throw new NestError("role_not_found");
  return {
    ...(status !== undefined && { status }),
    ...(reference !== null && { role: reference }),
    ...(after !== undefined && { createdAfter: new Date(after).toISOString() }),
  };
}

/** The prefix as identifiers are stored. */
function readPrefix(query: string): { type: IdentifierType; prefix: string } {
  const prefix = query.trim().toLowerCase();
  return { type: prefix.startsWith("+") ? "phone" : "email", prefix };
}

async function listByAddress(
  core: ListCore,
  { query, filter }: { query: string; filter: UserFilter },
  { limit, after }: Page,
  list: ListName,
): Promise<UserPage> {
  const { type, prefix } = readPrefix(query);
  const isRemoved = filter.status === "deleted";
  const start = after && { value: after.createdAt, _id: after._id };
  const found = isRemoved
    ? await core.identifiers.listRemovedByPrefix(removedStartingWith(type, prefix, start), limit + 1)
    : await core.identifiers.listByPrefix(startingWith(type, prefix, after?.createdAt ?? null), limit + 1);
  const page = found.slice(0, limit);
  const ids = [...new Set(page.map(({ userId }) => userId))];
  const [users, identifiers] = await Promise.all([
    core.users.listByIds(ids),
    core.identifiers.listByUsers(ids),
  ]);
  const matching = users.filter((user) => matches(user, filter));
  const byId = new Map(joined(matching, identifiers).map((one) => [one.user._id, one]));
  const wanted = { type, prefix, isRemoved };
  const last = page.at(-1);
  const position = last && { createdAt: last.identifierValue, _id: last._id };
  return {
    // A user with several such addresses is listed once, at the first of them.
    users: page.flatMap((one) => {
      const listed = byId.get(one.userId);
      const isFirst = listed && firstOf(listed.identifiers, wanted)?._id === one._id;
      return isFirst ? [{ ...listed, match: one.identifierValue }] : [];
    }),
    nextCursor: found.length > limit && position ? cursorAfter(position, list) : null,
  };
}

interface Wanted {
  type: IdentifierType;
  prefix: string;
  /** Whether removed identifiers are listed, in place of active ones. */
  isRemoved: boolean;
}

/** The first address of a user that starts with a prefix, in the order of the list. */
function firstOf(
  identifiers: readonly Identifier[],
  { type, prefix, isRemoved }: Wanted,
): Identifier | undefined {
  const bytes = ({ identifierValue, _id }: Identifier) => Buffer.from(`${identifierValue} ${_id}`);
  return identifiers
    .filter(({ identifierType, removedAt }) => identifierType === type && (removedAt !== null) === isRemoved)
    .filter(({ identifierValue }) => identifierValue.startsWith(prefix))
    .sort((one, other) => Buffer.compare(bytes(one), bytes(other)))[0];
}

const matches = (user: User, { status, role, createdAfter }: UserFilter): boolean =>
  (status === undefined || statusOf(user) === status) &&
  (role === undefined || user.roles?.includes(role) === true) &&
  (createdAfter === undefined || user.createdAt > createdAfter);

async function withIdentifiers(core: ListCore, users: readonly User[]): Promise<UserPage["users"]> {
  return joined(users, await core.identifiers.listByUsers(users.map(({ _id }) => _id)));
}

const joined = (users: readonly User[], identifiers: readonly Identifier[]): ListedUser[] =>
  users.map((user) => ({
    user,
    identifiers: identifiers.filter(({ userId }) => userId === user._id),
    match: null,
  }));
