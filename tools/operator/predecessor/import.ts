import type { Collection, Db, Document } from "mongodb";
import { isDuplicateKey } from "#core/services/mongo.ts";
import { isSame, MOVED, type Moved, type Stored } from "#tools/operator/predecessor/documents.ts";

/** What became of the documents of one collection. */
export interface Moving {
  collection: string;
  read: number;
  inserted: number;
  /** Had changed there since an earlier import. */
  replaced: number;
  unchanged: number;
  /** Ours is newer: Nest has worked on it since. */
  kept: number;
  leftOut: { id: string; reason: string }[];
}

type Outcome = "inserted" | "replaced" | "unchanged" | "kept" | { leftOut: string };

/**
 * Moves the documents of the service of 2022 into a database of ours. Safe to repeat, and beside live traffic: what Nest
 * has worked on since is kept.
 * @param isApplied false only tells what would be done
 */
export async function importPredecessor(from: Db, to: Db, isApplied: boolean): Promise<Moving[]> {
  const userIds = new Set<string>();
  const movings: Moving[] = [];
  for (const moved of MOVED) {
    const collection = to.collection<Stored>(moved.to);
    const seen = new Map<string, string>();
    const moving: Moving = {
      ...{ collection: moved.to, read: 0, inserted: 0, replaced: 0, unchanged: 0, kept: 0 },
      leftOut: [],
    };
    for await (const stored of documentsOf(from, moved)) {
      moving.read++;
      const outcome = await moveOne(moved, stored, { collection, seen, userIds, isApplied });
      if (typeof outcome === "string") moving[outcome]++;
      else moving.leftOut.push({ id: String(stored._id), reason: outcome.leftOut });
    }
    movings.push(moving);
  }
  return movings;
}

async function* documentsOf(from: Db, moved: Moved): AsyncGenerator<Document> {
  // Oldest first: where two claim the same, the older has it, as it had there.
  for (const name of moved.from) yield* from.collection(name).find().sort({ createdAt: 1, _id: 1 });
}

interface Target {
  collection: Collection<Stored>;
  /** Who has each unique key, of those that were taken. */
  seen: Map<string, string>;
  /** Everybody who was taken. */
  userIds: Set<string>;
  isApplied: boolean;
}

async function moveOne(moved: Moved, stored: Document, target: Target): Promise<Outcome> {
  const taken = moved.take(stored);
  if ("leftOut" in taken) return taken;
  const { document } = taken;
  const { userIds, seen } = target;
  if ("userId" in document && !userIds.has(document.userId)) return { leftOut: "its user is not there" };
  const key = moved.uniqueKey(document);
  const name = key && JSON.stringify(key);
  const owner = name && seen.get(name);
  if (owner) return { leftOut: `${owner} has the same` };
  const outcome = await put(moved, document, target);
  if (typeof outcome === "string") {
    if (name) seen.set(name, document._id);
    if (!("userId" in document)) userIds.add(document._id);
  }
  return outcome;
}

async function put(moved: Moved, document: Stored, { collection, isApplied }: Target): Promise<Outcome> {
  const { _id } = document;
  const ours = await collection.findOne({ _id });
  if (ours && isSame(ours, document)) return "unchanged";
  if (ours && moved.untouched === null) return "kept";
  const key = moved.uniqueKey(document);
  const rival = key && (await collection.findOne({ ...key, _id: { $ne: _id } }));
  if (rival) return { leftOut: `${rival._id} has the same` };
  const untouched = { ...moved.untouched, _id };
  if (!isApplied) {
    if (!ours) return "inserted";
    return (await collection.findOne(untouched)) ? "replaced" : "kept";
  }
  try {
    if (!ours) {
      await collection.insertOne(document);
      return "inserted";
    }
    const { matchedCount } = await collection.replaceOne(untouched, document);
    return matchedCount === 1 ? "replaced" : "kept";
  } catch (error) {
    // Nest made one in the meantime.
    if (isDuplicateKey(error)) return { leftOut: "another has the same" };
    throw error;
  }
}
