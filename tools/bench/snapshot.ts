import type { Db, Document } from "mongodb";

/** Restores the collections of a database. */
export interface Snapshot {
  /** Names of all collections. */
  collections: readonly string[];
  restore(collections: readonly string[]): Promise<void>;
}

/** Copies every document of a small database to memory. */
export async function takeSnapshot(database: Db): Promise<Snapshot> {
  const names = (await database.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name);
  const kept = new Map<string, Document[]>();
  for (const name of names) kept.set(name, await database.collection(name).find().toArray());
  return {
    collections: names,
    async restore(collections) {
      for (const name of collections) {
        await database.collection(name).deleteMany({});
        const documents = kept.get(name) ?? [];
        if (documents.length > 0) await database.collection(name).insertMany(documents, { ordered: false });
      }
    },
  };
}
