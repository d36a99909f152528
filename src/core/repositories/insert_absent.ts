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
    const failures = [error.writeErrors].flat();
    // Without a failed document, the driver wrapped the error of a lost connection: nothing may be stored.
    const areDuplicates = failures.length > 0 && failures.every(({ code }) => code === DUPLICATE_KEY);
    if (!areDuplicates || error.result.getWriteConcernError()) throw error;
  }
}
