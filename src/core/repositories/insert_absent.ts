import { type Collection, MongoBulkWriteError, type OptionalUnlessRequiredId } from "mongodb";

const DUPLICATE_KEY = 11000;

/** Inserts the documents that do not exist, in one command, and leaves the others as they are. Safe to repeat and to race. */
export async function insertAbsent<Stored extends { _id: string }>(
  collection: Collection<Stored>,
  documents: readonly Stored[],
): Promise<void> {
  try {
    await collection.insertMany(documents as OptionalUnlessRequiredId<Stored>[], { ordered: false });
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError)) throw error;
    const isOther = [error.writeErrors].flat().some(({ code }) => code !== DUPLICATE_KEY);
    if (isOther || error.result.getWriteConcernError()) throw error;
  }
}
