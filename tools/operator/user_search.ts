import { domainToASCII } from "node:url";
import type { Command } from "commander";
import type { Db, Filter } from "mongodb";
import { findAccess } from "#core/billing/subscriptions/subscription.ts";
import { type Identifier, IdentifierRepository } from "#core/repositories/identifiers.ts";
import { type ProviderMapping, ProviderMappingRepository } from "#core/repositories/provider_mappings.ts";
import { type Subscription, SubscriptionRepository } from "#core/repositories/subscriptions.ts";
import { type User, UserRepository } from "#core/repositories/users.ts";
import { readLimit } from "#tools/operator/limit.ts";
import { onDatabase } from "#tools/operator/on_database.ts";
import { act, examples, type Terminal } from "#tools/terminal/command.ts";
import { UsageError } from "#tools/terminal/errors.ts";
import { table } from "#tools/terminal/table.ts";

const DEFAULT_LIMIT = "20";
const MAXIMUM = 1000;
/** Addresses that a search reads at most. A search for less than this finds every user. */
const MATCHES = 10_000;
const SHORTEST = 2;
const LONGEST = 254;

/** A user in a list. */
interface ListedUser {
  user_id: string;
  created_at: string;
  addresses: { address: string; verified_at: string | null; removed_at: string | null }[];
  /** Stripe's status of the subscription that gives access, or null. */
  subscription: string | null;
}

interface ListOptions {
  limit: string;
  after?: string;
}

/** Adds `users list` and `users search`. */
export function searchCommands(users: Command): void {
  const list = users
    .command("list")
    .option("--limit <number>", `how many users, at most ${MAXIMUM}`, DEFAULT_LIMIT)
    .option("--after <user>", "the id of the last user of the previous page")
    .description("lists users with their addresses and subscription, newest first");
  examples(list, ["users list", "users list --limit 100 --after user_2Jx..."]);
  act(list, (terminal, options: ListOptions) =>
    onDatabase(terminal, async (database) => show(terminal, database, {}, options)),
  );

  const search = users
    .command("search")
    .argument(
      "<text>",
      "part of an email address, a Stripe customer (cus_...) or a Stripe subscription (sub_...)",
    )
    .option("--limit <number>", `how many users, at most ${MAXIMUM}`, DEFAULT_LIMIT)
    .option("--after <user>", "the id of the last user of the previous page")
    .description("finds users by part of an address, present or removed, or by an id at Stripe");
  examples(search, [
    "users search ada",
    "users search @example.com --json",
    "users search cus_9s6XKzkNRiz8i3",
  ]);
  act(search, (terminal, text: string, options: ListOptions) =>
    onDatabase(terminal, async (database) => {
      const ids = await findUserIds(database, text.trim());
      await show(terminal, database, { $in: ids }, options);
    }),
  );
}

/** @throws UsageError if the text is too short */
async function findUserIds(database: Db, text: string): Promise<string[]> {
  if (text.startsWith("cus_")) {
    const mappings = database.collection<ProviderMapping>(ProviderMappingRepository.collectionName);
    return mappings.distinct("userId", { providerType: "stripe", providerValue: text });
  }
  if (text.startsWith("sub_")) {
    const subscriptions = database.collection<Subscription>(SubscriptionRepository.collectionName);
    return subscriptions.distinct("userId", { stpSubscriptionId: text });
  }
  if (text.length < SHORTEST) throw new UsageError(`Search for at least ${SHORTEST} characters.`);
  if (text.length > LONGEST) throw new UsageError(`No address has more than ${LONGEST} characters.`);
  const identifiers = database.collection<Identifier>(IdentifierRepository.collectionName);
  const pattern = normalize(text).replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const found = identifiers
    .find({ identifierValue: { $regex: pattern } })
    .limit(MATCHES)
    .project<Pick<Identifier, "userId">>({ userId: 1 });
  return (await found.toArray()).map(({ userId }) => userId);
}

/** Addresses are stored in lower case, with the domain as A-labels. */
function normalize(text: string): string {
  const at = text.lastIndexOf("@");
  const domain = domainToASCII(text.slice(at + 1));
  return (at >= 0 && domain !== "" ? text.slice(0, at + 1) + domain : text).toLowerCase();
}

async function show(
  terminal: Terminal,
  database: Db,
  _id: Filter<User>["_id"] & object,
  options: ListOptions,
): Promise<void> {
  const limit = readLimit(options.limit, MAXIMUM);
  const page = { ..._id, ...(options.after === undefined ? {} : { $lt: options.after }) };
  const filter: Filter<User> = Object.keys(page).length === 0 ? {} : { _id: page };
  const users = database.collection<User>(UserRepository.collectionName);
  // A user id begins with its time, so the order is that of creation.
  const found = await users
    .find(filter)
    .sort({ _id: -1 })
    .limit(limit + 1)
    .toArray();
  const listed = await describe(database, found.slice(0, limit));
  const last = listed.at(-1)?.user_id;
  const next = found.length > limit ? [`There are more users. Pass --after ${last} to list them.`] : [];
  const head = ["user", "since", "address", "subscription"];
  const rows = listed.map((user) => [
    user.user_id,
    user.created_at.slice(0, 10),
    user.addresses.map(describeAddress).join(", ") || "none",
    user.subscription ?? "none",
  ]);
  terminal.show(listed, rows.length > 0 ? [...table(rows, head), ...next] : "No user was found.");
}

function describeAddress({ address, verified_at, removed_at }: ListedUser["addresses"][number]): string {
  if (removed_at !== null) return `${address} (removed)`;
  return verified_at === null ? `${address} (not verified)` : address;
}

async function describe(database: Db, users: readonly User[]): Promise<ListedUser[]> {
  const ofUsers = { userId: { $in: users.map(({ _id }) => _id) } };
  const [identifiers, subscriptions] = await Promise.all([
    database.collection<Identifier>(IdentifierRepository.collectionName).find(ofUsers).toArray(),
    database.collection<Subscription>(SubscriptionRepository.collectionName).find(ofUsers).toArray(),
  ]);
  const addressesOf = Map.groupBy(identifiers, ({ userId }) => userId);
  const subscriptionsOf = Map.groupBy(subscriptions, ({ userId }) => userId);
  const now = new Date();
  return users.map(({ _id, createdAt }) => ({
    user_id: _id,
    created_at: createdAt,
    addresses: (addressesOf.get(_id) ?? []).map(({ identifierValue, verifiedAt, removedAt }) => ({
      address: identifierValue,
      verified_at: verifiedAt,
      removed_at: removedAt,
    })),
    subscription: findAccess(subscriptionsOf.get(_id) ?? [], now)?.subscription.status ?? null,
  }));
}
