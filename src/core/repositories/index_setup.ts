import { type Db, type IndexDescription, MongoServerError } from "mongodb";
import { REPOSITORIES } from "#core/repositories/all.ts";
import type { RepositoryClass } from "#core/repositories/repository.ts";

/** The indexes of every collection, by the collection's name. */
export const COLLECTIONS: Readonly<Record<string, readonly IndexDescription[]>> = Object.fromEntries(
  Object.values<RepositoryClass>(REPOSITORIES).map(({ collectionName, indexes }) => [
    collectionName,
    indexes,
  ]),
);

const NAMESPACE_NOT_FOUND = 26;
/** The server's error code when another setup created the collection first. */
const NAMESPACE_EXISTS = 48;

/** Ignores the server error with this code and rethrows every other error. */
const unless = (code: number) => (error: unknown) => {
  if (!(error instanceof MongoServerError && error.code === code)) throw error;
};

/** Creates every missing collection and index. Safe to repeat and to race. The deploy, `npm start` and tests call it. */
export async function createIndexes(database: Db): Promise<void> {
  const present = new Set(
    (await database.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name),
  );
  for (const [name, indexes] of Object.entries(COLLECTIONS)) {
    if (!present.has(name)) await database.createCollection(name).catch(unless(NAMESPACE_EXISTS));
    if (indexes.length > 0) await database.collection(name).createIndexes([...indexes]);
  }
}

/** The properties of an index that the code relies on, as text that can be compared. */
const fingerprint = (index: IndexDescription) =>
  JSON.stringify([
    Object.entries(index.key).map(([field, way]) => [field, Number(way)]),
    index.unique === true,
    index.expireAfterSeconds === undefined ? null : Number(index.expireAfterSeconds),
    index.partialFilterExpression ?? null,
  ]);

/**
 * Lists the indexes that the code needs and the database lacks.
 * @returns one line for each missing index, such as `identifiers {"userId":1}`
 */
export async function missingIndexes(database: Db): Promise<string[]> {
  const missing: string[] = [];
  for (const [name, indexes] of Object.entries(COLLECTIONS)) {
    const found = await database.collection(name).indexes().catch(unless(NAMESPACE_NOT_FOUND));
    const have = new Set((found ?? []).map((index) => fingerprint(index as IndexDescription)));
    for (const index of indexes) {
      if (!have.has(fingerprint(index))) missing.push(`${name} ${JSON.stringify(index.key)}`);
    }
  }
  return missing;
}
