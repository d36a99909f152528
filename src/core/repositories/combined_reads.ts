import DataLoader from "dataloader";
import type { Db, Document, Filter } from "mongodb";

/** A query of one collection. */
interface Read {
  collection: string;
  filter: Filter<Document>;
  /** The most documents that it finds, the newest by `createdAt`; absent: all. */
  newest?: number;
}

/** The most reads in one command. No call makes as many concurrently. */
const READS_LIMIT = 12;

const loaders = new WeakMap<Db, DataLoader<Read, Document[]>>();

/**
 * Reads one collection, with the same command as concurrent reads of other collections: all reads that start before the
 * process next waits for I/O become one command. So the concurrent reads of a call need one connection, and both the
 * function and the database process one command (decision 26).
 *
 * For reads by an indexed value that match few documents, or with `newest`.
 */
export class CombinedReads<Stored extends Document> {
  readonly #loader: DataLoader<Read, Document[]>;
  readonly #collection: string;

  constructor(database: Db, collection: string) {
    this.#loader = loaderOf(database);
    this.#collection = collection;
  }

  /** Finds the document that matches a filter which at most one document matches. */
  async findOne(filter: Filter<Stored>): Promise<Stored | null> {
    const [found = null] = await this.findAll(filter);
    return found;
  }

  /**
   * Finds all documents that match a filter. They have no order.
   * @param newest the most documents, the newest by `createdAt`. Undefined: no limit
   */
  async findAll(filter: Filter<Stored>, newest?: number): Promise<Stored[]> {
    const read: Read = { collection: this.#collection, filter: filter as Filter<Document> };
    return (await this.#loader.load(newest === undefined ? read : { ...read, newest })) as Stored[];
  }
}

/** The loader that all repositories of a database share. */
function loaderOf(database: Db): DataLoader<Read, Document[]> {
  const existing = loaders.get(database);
  if (existing) return existing;
  const loader = new DataLoader<Read, Document[]>((reads) => readTogether(database, reads), {
    // Every read must see what was written before it.
    cache: false,
    maxBatchSize: READS_LIMIT,
  });
  loaders.set(database, loader);
  return loader;
}

/** @returns the documents of each read, in the order of the reads */
async function readTogether(database: Db, reads: readonly Read[]): Promise<Document[][]> {
  const [first, ...others] = reads;
  if (!first) return [];
  const collection = database.collection(first.collection);
  if (others.length === 0) {
    const { filter, newest } = first;
    const options = newest === undefined ? {} : { sort: NEWEST_FIRST, limit: newest };
    return [await collection.find(filter, options).toArray()];
  }
  const unions = others.map((read, index) => ({
    $unionWith: { coll: read.collection, pipeline: stagesOf(read, index + 1) },
  }));
  const found = await collection.aggregate([...stagesOf(first, 0), ...unions]).toArray();
  return reads.map((_read, index) =>
    found.filter(({ read }) => read === index).map(({ document }) => document as Document),
  );
}

const NEWEST_FIRST = { createdAt: -1 } as const;

/** Stages that find the documents of a read and add its number to them. */
const stagesOf = ({ filter, newest }: Read, number: number): Document[] => [
  { $match: filter },
  ...(newest === undefined ? [] : [{ $sort: NEWEST_FIRST }, { $limit: newest }]),
  { $replaceWith: { read: { $literal: number }, document: "$$ROOT" } },
];
