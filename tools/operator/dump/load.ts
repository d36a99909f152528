import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Db, Document } from "mongodb";
import { createIndexes } from "#core/repositories/index_setup.ts";
import {
  DUMPED,
  fileOf,
  fromLine,
  linesOf,
  MANIFEST,
  type Manifest,
  readManifest,
  summaryOf,
} from "#tools/operator/dump/format.ts";
import { CommandError } from "#tools/terminal/errors.ts";

const BATCH = 500;

/**
 * Fills an empty database from a dump. Nothing is written unless all of the dump is as it was made.
 * @throws CommandError if the dump is not whole, or the database holds anything
 */
export async function loadDatabase(database: Db, folder: string): Promise<Manifest> {
  const manifest = await checkDump(folder);
  for (const name of DUMPED) {
    if (await database.collection(name).findOne())
      throw new CommandError(
        `${database.databaseName} is not empty: ${name} holds documents. Load into a new one.`,
      );
  }
  await createIndexes(database);
  // Whoever a document refers to is there before it.
  for (const name of DUMPED.toReversed()) await loadCollection(database, name, fileOf(folder, name));
  return manifest;
}

async function checkDump(folder: string): Promise<Manifest> {
  const text = await readFile(join(folder, MANIFEST), "utf8").catch(() => {
    throw new CommandError(`${folder} has no ${MANIFEST}, so it is no dump, or not a whole one.`);
  });
  const manifest = readManifest(text);
  for (const name of DUMPED) {
    const { sha256, documents } = await summaryOf(fileOf(folder, name));
    const said = manifest.collections[name];
    if (said?.sha256 !== sha256 || said.documents !== documents)
      throw new CommandError(`${fileOf(folder, name)} is not as it was made.`);
  }
  return manifest;
}

async function loadCollection(database: Db, name: string, file: string): Promise<void> {
  let batch: Document[] = [];
  const flush = async () => {
    if (batch.length > 0) await database.collection(name).insertMany(batch);
    batch = [];
  };
  for await (const line of linesOf(file)) {
    batch.push(fromLine(line));
    if (batch.length === BATCH) await flush();
  }
  await flush();
}
