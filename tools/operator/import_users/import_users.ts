import { type AnyBulkWriteOperation, type Collection, type Db, MongoBulkWriteError } from "mongodb";
import { derivedIdOf } from "#core/ids.ts";
import { type Identifier, IdentifierRepository } from "#core/repositories/identifiers.ts";
import { type User, UserRepository } from "#core/repositories/users.ts";
import { giveAccountsTo } from "#tools/migrations/give_accounts.ts";
import { insertPasswords, reportPassword } from "#tools/operator/import_users/passwords.ts";
import { readRows } from "#tools/operator/import_users/read_rows.ts";
import {
  type ImportedUser,
  readUser,
  requiredColumns,
  type SourceName,
} from "#tools/operator/import_users/sources.ts";

export interface ImportCounts {
  read: number;
  created: number;
  /** Imported before. */
  unchanged: number;
  /** The address belongs to a user who was not imported from this row. */
  existing: number;
  /** An earlier line has the same address. */
  duplicates: number;
  left_out: number;
}

/** A line of the file without a user of its own in Nest. */
export interface LineProblem {
  line: number;
  problem: string;
}

export interface ImportOptions {
  source: SourceName;
  file: string;
  /** False counts and writes nothing. */
  isApplied: boolean;
  now: Date;
  /** Takes each line that was not imported. */
  onProblem: (problem: LineProblem) => void;
  /** Takes the user of Nest that an id of the source belongs to: one who was imported, or who proved the address. */
  onMapped: (sourceId: string, userId: string) => void;
}

type ReadUser = ImportedUser & { line: number };
interface Collections {
  users: Collection<User>;
  identifiers: Collection<Identifier>;
}

const collectionsOf = (database: Db): Collections => ({
  users: database.collection(UserRepository.collectionName),
  identifiers: database.collection(IdentifierRepository.collectionName),
});

const BATCH = 500;
const DUPLICATE_KEY = 11000;

/**
 * Imports users and addresses from a file, a batch at a time. It is safe to repeat, after a crash too, and while Nest
 * serves: it creates users and changes none. Only the addresses and ids of the file are kept in memory, to find duplicates.
 * @throws CommandError if the file can't be read, or its header lacks a column
 */
export async function importUsers(database: Db, options: ImportOptions): Promise<ImportCounts> {
  const counts: ImportCounts = { read: 0, created: 0, unchanged: 0, existing: 0, duplicates: 0, left_out: 0 };
  const lines = new Map<string, number>();
  let batch: ReadUser[] = [];
  for await (const row of readRows(options.file, requiredColumns(options.source))) {
    counts.read++;
    const { line } = row;
    const user = "problem" in row ? row : readUser(options.source, row.fields, options.now);
    if ("problem" in user) {
      counts.left_out++;
      const who = "problem" in row ? "the line is" : "the user";
      options.onProblem({ line, problem: `${who} ${user.problem}` });
      continue;
    }
    const first = lines.get(user.address.identity) ?? lines.get(user.userId);
    if (first !== undefined) {
      counts.duplicates++;
      options.onProblem({ line, problem: `the user has the same address or id as line ${first}` });
      continue;
    }
    lines.set(user.address.identity, line).set(user.userId, line);
    batch.push({ ...user, line });
    if (batch.length < BATCH) continue;
    await importBatch(database, batch, options, counts);
    batch = [];
  }
  if (batch.length > 0) await importBatch(database, batch, options, counts);
  return counts;
}

async function importBatch(
  database: Db,
  batch: readonly ReadUser[],
  options: ImportOptions,
  counts: ImportCounts,
): Promise<void> {
  const { users, identifiers } = collectionsOf(database);
  const before = await findIdentifiers(identifiers, batch);
  const fresh = batch.filter(({ userId, address }) => !before.has(address.identity) && !before.has(userId));
  if (options.isApplied && fresh.length > 0) await write({ users, identifiers }, fresh, options.now);
  // Users of an earlier import too, which a crash may have interrupted.
  if (options.isApplied) await giveAccountsTo(database, { _id: { $in: batch.map(({ userId }) => userId) } });
  // Read again, because a person may have signed in with an address meanwhile.
  const after = options.isApplied ? await findIdentifiers(identifiers, batch) : before;
  const imported = batch.filter(({ userId }) => after.has(userId));
  if (options.isApplied) await insertPasswords(database, imported, options.now);
  for (const { line, sourceId, userId, address, passwordProblem } of batch) {
    const holder = after.get(address.identity) ?? after.get(userId);
    const isOwn = holder === undefined || holder.userId === userId;
    if (before.has(userId)) counts.unchanged++;
    else if (isOwn) counts.created++;
    else {
      counts.existing++;
      const why = holder.isProved ? "" : "has not proved it and ";
      options.onProblem({
        line,
        problem: `the address belongs to ${holder.userId}, who ${why}stays as it is`,
      });
    }
    if (isOwn) reportPassword(options.onProblem, line, passwordProblem);
    if (sourceId !== null && holder?.isProved) options.onMapped(sourceId, holder.userId);
  }
}

/** Who has an address. A stranger may have claimed one that is not proved, so that it is not the person of the file. */
interface Holder {
  userId: string;
  isProved: boolean;
}

/** The user of each active address and, by its own id, each user that was imported before, also if the address was removed. */
async function findIdentifiers(
  identifiers: Collection<Identifier>,
  batch: readonly ReadUser[],
): Promise<Map<string, Holder>> {
  const values = batch.map(({ address }) => address.identity);
  const ids = batch.map(({ userId }) => derivedIdOf(userId, "identifier"));
  const [active, imported] = await Promise.all([
    identifiers
      .find({ identifierType: "email", identifierValue: { $in: values }, removedAt: null })
      .toArray(),
    identifiers.find({ _id: { $in: ids } }).toArray(),
  ]);
  return new Map([
    ...active.map(
      ({ identifierValue, userId, verifiedAt }) =>
        [identifierValue, { userId, isProved: verifiedAt !== null }] as const,
    ),
    ...imported.map(({ userId }) => [userId, { userId, isProved: true }] as const),
  ]);
}

/** Users are written before their addresses, so that a repeated import completes what a crash left. */
async function write(
  { users, identifiers }: Collections,
  fresh: readonly ReadUser[],
  now: Date,
): Promise<void> {
  const { upsertedIds } = await users.bulkWrite(
    fresh.map(
      ({ userId, createdAt }): AnyBulkWriteOperation<User> => ({
        updateOne: {
          filter: { _id: userId },
          update: { $setOnInsert: { createdAt: createdAt ?? now.toISOString() } },
          upsert: true,
        },
      }),
    ),
    { ordered: false },
  );
  const created = new Set(Object.values(upsertedIds).map(String));
  const lost = await insertIdentifiers(identifiers, fresh, now);
  if (lost.length === 0) return;
  // Somebody signed in with the address meanwhile, so this user has none.
  const superfluous = lost.filter((userId) => created.has(userId));
  // A concurrent import may have written the address of this user.
  const complete = await identifiers.distinct("userId", { userId: { $in: superfluous } });
  await users.deleteMany({ _id: { $in: superfluous.filter((userId) => !complete.includes(userId)) } });
}

/** @returns the users whose address another user claimed first */
async function insertIdentifiers(
  identifiers: Collection<Identifier>,
  fresh: readonly ReadUser[],
  now: Date,
): Promise<string[]> {
  const documents = fresh.map(
    ({ userId, address, createdAt, verifiedAt }): Identifier => ({
      _id: derivedIdOf(userId, "identifier"),
      userId,
      identifierType: "email",
      identifierValue: address.identity,
      createdAt: createdAt ?? now.toISOString(),
      updatedAt: null,
      verifiedAt: verifiedAt ?? now.toISOString(),
      removedAt: null,
      knownDevices: [],
    }),
  );
  try {
    await identifiers.insertMany(documents, { ordered: false });
    return [];
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError)) throw error;
    const errors = [error.writeErrors].flat();
    if (errors.some(({ code }) => code !== DUPLICATE_KEY)) throw error;
    return errors.flatMap(({ index }) => documents[index]?.userId ?? []);
  }
}
