import type { Collection, Db, Document } from "mongodb";
import { isDuplicateKey } from "#core/services/mongo.ts";
import { giveAccountsTo } from "#tools/migrations/give_accounts.ts";
import { keepSubscriptions } from "#tools/migrations/keep_imported_subscriptions.ts";
import {
  holds,
  IMPORTED,
  IMPORTED_VERSION,
  type ImportedCollection,
  type Stored,
} from "#tools/operator/import_2022/documents.ts";

/** How many documents of one collection were imported, and how. */
export interface Counts {
  collection: string;
  read: number;
  inserted: number;
  /** Changed in the source since an earlier import. */
  replaced: number;
  unchanged: number;
  /** Changed by Nest since the import, so the source's document is ignored. */
  kept: number;
  leftOut: { id: string; reason: string }[];
}

type Outcome = "inserted" | "replaced" | "unchanged" | "kept" | { leftOut: string };

/**
 * Imports the documents of the service of 2022. It is safe to repeat, and while Nest serves: a document that Nest has
 * changed since an earlier import stays.
 * @param isApplied false counts and writes nothing
 */
export async function importDocuments(from: Db, to: Db, isApplied: boolean): Promise<Counts[]> {
  const userIds = new Set<string>();
  const all: Counts[] = [];
  for (const imported of IMPORTED) {
    const collection = to.collection<Stored>(imported.to);
    const seen = new Map<string, string>();
    const counts: Counts = {
      ...{ collection: imported.to, read: 0, inserted: 0, replaced: 0, unchanged: 0, kept: 0 },
      leftOut: [],
    };
    for await (const stored of documentsOf(from, imported)) {
      counts.read++;
      const outcome = await importOne(imported, stored, { collection, seen, userIds, isApplied });
      if (typeof outcome === "string") counts[outcome]++;
      else counts.leftOut.push({ id: String(stored._id), reason: outcome.leftOut });
    }
    all.push(counts);
  }
  if (isApplied) {
    await keepSubscriptions(to, { version: IMPORTED_VERSION });
    await giveAccountsTo(to, {});
  }
  return all;
}

async function* documentsOf(from: Db, { from: names }: ImportedCollection): AsyncGenerator<Document> {
  // Oldest first: of two documents with the same unique key the older one is imported, as the service of 2022 used it.
  for (const name of names) yield* from.collection(name).find().sort({ createdAt: 1, _id: 1 });
}

interface Target {
  collection: Collection<Stored>;
  /** The id of the imported document with each unique key. */
  seen: Map<string, string>;
  /** Every imported user. */
  userIds: Set<string>;
  isApplied: boolean;
}

async function importOne(imported: ImportedCollection, stored: Document, target: Target): Promise<Outcome> {
  const conversion = imported.convert(stored);
  if ("leftOut" in conversion) return conversion;
  const { document } = conversion;
  const { userIds, seen } = target;
  if ("userId" in document && !userIds.has(document.userId)) return { leftOut: "its user was not imported" };
  const key = imported.uniqueKey(document);
  const name = key && JSON.stringify(key);
  const owner = name && seen.get(name);
  if (owner) return { leftOut: `${owner} has the same unique key` };
  const outcome = await put(imported, document, target);
  if (typeof outcome === "string") {
    if (name) seen.set(name, document._id);
    if (!("userId" in document)) userIds.add(document._id);
  }
  return outcome;
}

async function put(
  { uniqueKey, untouched }: ImportedCollection,
  document: Stored,
  { collection, isApplied }: Target,
): Promise<Outcome> {
  const { _id } = document;
  const current = await collection.findOne({ _id });
  if (current && holds(current, document)) return "unchanged";
  if (current && untouched === null) return "kept";
  const key = uniqueKey(document);
  const rival = key && (await collection.findOne({ ...key, _id: { $ne: _id } }));
  if (rival) return { leftOut: `${rival._id} has the same unique key` };
  const replaceable = { ...untouched, _id };
  if (!isApplied) {
    if (!current) return "inserted";
    return (await collection.findOne(replaceable)) ? "replaced" : "kept";
  }
  try {
    if (!current) {
      await collection.insertOne(document);
      return "inserted";
    }
    const { matchedCount } = await collection.replaceOne(replaceable, document);
    return matchedCount === 1 ? "replaced" : "kept";
  } catch (error) {
    // Nest inserted a document with the same key in the meantime.
    if (isDuplicateKey(error)) return { leftOut: "another document has the same unique key" };
    throw error;
  }
}
