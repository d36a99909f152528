import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { cursorAfter, cutPage, type ListName, type Page } from "#core/paging.ts";
import type { Identifier, IdentifierType } from "#core/repositories/identifiers.ts";
import { pendingStartingWith, removedStartingWith, startingWith } from "#core/repositories/prefix_page.ts";
import type { Role } from "#core/repositories/roles.ts";
import type { UserFilter } from "#core/repositories/user_lists.ts";
import type { User } from "#core/repositories/users.ts";
import { EVERYBODY } from "#core/roles/built_in.ts";
import { referenceTo } from "#core/roles/rights.ts";
import { statusOf } from "#core/users/user_view.ts";

type ListCore = Pick<Core, "identifiers" | "pendingIdentifiers" | "users">;

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
  match: {
    value: string;
    /** Whether the user has not verified it yet. */
    isPending: boolean;
  } | null;
}

/** A page of users. */
export interface UserPage {
  users: ListedUser[];
  nextCursor: string | null;
}

/**
 * Lists users. Without `query` the newest come first; the number of commands and of documents that are read depends on the page only.
 * With `query` they are sorted by address. Addresses that a user has not verified yet are found too, and deleted users by the addresses
 * that they had. The other conditions are applied to the users of a page, so it can have fewer users than its limit, or none.
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

/** An identifier that can be found by its start. */
type Findable = Pick<Identifier, "_id" | "userId" | "identifierType" | "identifierValue">;

interface Wanted {
  type: IdentifierType;
  prefix: string;
  /** Whether removed identifiers are listed. Otherwise, current ones are listed, verified or not. */
  isRemoved: boolean;
}

/** Lists the identifiers that start with a prefix, in the order of their bytes. */
async function listFindable(
  core: ListCore,
  { type, prefix, isRemoved }: Wanted,
  { limit, after }: Page,
): Promise<Findable[]> {
  const start = after && { value: after.createdAt, _id: after._id };
  if (isRemoved) return core.identifiers.listRemovedByPrefix(removedStartingWith(type, prefix, start), limit);
  const [active, pending] = await Promise.all([
    core.identifiers.listByPrefix(startingWith(type, prefix, start), limit),
    core.pendingIdentifiers.listByPrefix(pendingStartingWith(type, prefix, start), limit),
  ]);
  return [...active, ...pending].sort(byValue).slice(0, limit);
}

async function listByAddress(
  core: ListCore,
  { query, filter }: { query: string; filter: UserFilter },
  { limit, after }: Page,
  list: ListName,
): Promise<UserPage> {
  const wanted = { ...readPrefix(query), isRemoved: filter.status === "deleted" };
  const found = await listFindable(core, wanted, { limit: limit + 1, after });
  const page = found.slice(0, limit);
  const ids = [...new Set(page.map(({ userId }) => userId))];
  const [users, identifiers, pending] = await Promise.all([
    core.users.listByIds(ids),
    core.identifiers.listByUsers(ids),
    core.pendingIdentifiers.listOpenByUsers(ids),
  ]);
  const matching = users.filter((user) => matches(user, filter));
  const byId = new Map(joined(matching, identifiers).map((one) => [one.user._id, one]));
  const listed = identifiers.filter(({ removedAt }) => (removedAt !== null) === wanted.isRemoved);
  const isPending = new Set(pending.map(({ _id }) => _id));
  const findable = [...listed, ...(wanted.isRemoved ? [] : pending)];
  const last = page.at(-1);
  const position = last && { createdAt: last.identifierValue, _id: last._id };
  return {
    // A user with several such addresses is listed once, at the first of them.
    users: page.flatMap(({ _id, userId, identifierValue: value }) => {
      const user = byId.get(userId);
      const own = findable.filter((one) => one.userId === userId);
      const isFirst = user && firstOf(own, wanted)?._id === _id;
      return isFirst ? [{ ...user, match: { value, isPending: isPending.has(_id) } }] : [];
    }),
    nextCursor: found.length > limit && position ? cursorAfter(position, list) : null,
  };
}

/** The first address that starts with a prefix, in the order of the list. */
const firstOf = (identifiers: readonly Findable[], { type, prefix }: Wanted): Findable | undefined =>
  identifiers
    .filter(({ identifierType }) => identifierType === type)
    .filter(({ identifierValue }) => identifierValue.startsWith(prefix))
    .sort(byValue)[0];

const bytesOf = ({ identifierValue, _id }: Findable) => Buffer.from(`${identifierValue} ${_id}`);
const byValue = (one: Findable, other: Findable) => Buffer.compare(bytesOf(one), bytesOf(other));

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
