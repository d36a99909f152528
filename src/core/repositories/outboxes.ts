import type { Collection, Db } from "mongodb";
import { REPOSITORIES } from "#core/repositories/all.ts";
import { OUTBOX_INDEX, type Outbox, type StoredEvent } from "#core/repositories/outbox.ts";
import type { RepositoryClass } from "#core/repositories/repository.ts";

/** A document with events that are not moved yet. */
export interface PendingEvents {
  collectionName: string;
  documentId: string;
  events: StoredEvent[];
}

interface Stored extends Outbox {
  _id: string;
}

/** Whether the documents of a collection carry events. */
export const hasOutbox = ({ indexes }: Pick<RepositoryClass, "indexes">): boolean =>
  indexes.includes(OUTBOX_INDEX);

/** The events on the documents of every collection that declares `OUTBOX_INDEX`. */
export class Outboxes {
  readonly #database: Db;
  constructor(database: Db) {
    this.#database = database;
  }

  /**
   * Lists documents with events, the longest waiting first.
   * @param until ISO: events after it are left out
   * @param limit of each collection
   */
  async list(until: string, limit: number): Promise<PendingEvents[]> {
    const found = await Promise.all(
      outboxCollections().map(async (collectionName) => {
        const documents = await this.#collection(collectionName)
          .find({ eventsDueAt: { $exists: true, $lte: until } })
          .project<Stored>({ events: 1 })
          .sort({ eventsDueAt: 1 })
          .limit(limit)
          .toArray();
        return documents.map(({ _id, events = [] }) => ({ collectionName, documentId: _id, events }));
      }),
    );
    return found.flat();
  }

  /** Removes events that were moved. An event that was added meanwhile stays. Safe to repeat and to race. */
  async remove({ collectionName, documentId, events }: PendingEvents): Promise<void> {
    const ids = events.map(({ id }) => id);
    const left = {
      $filter: { input: { $ifNull: ["$events", []] }, cond: { $not: [{ $in: ["$$this.id", ids] }] } },
    };
    const ifLeft = (field: string) => ({ $cond: [{ $eq: ["$events", []] }, "$$REMOVE", field] });
    await this.#collection(collectionName).updateOne({ _id: documentId }, [
      { $set: { events: left } },
      { $set: { eventsDueAt: ifLeft("$eventsDueAt"), events: ifLeft("$events") } },
    ]);
  }

  #collection(name: string): Collection<Stored> {
    return this.#database.collection<Stored>(name);
  }
}

function outboxCollections(): string[] {
  return Object.values<RepositoryClass>(REPOSITORIES)
    .filter(hasOutbox)
    .map(({ collectionName }) => collectionName);
}
