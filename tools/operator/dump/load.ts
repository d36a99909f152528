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
 * Fills an empty database from a dump. Every file is checked before the first document is written. A collection that is
 * newer than the dump stays empty.
 * @throws CommandError if the dump is incomplete or was changed, or if the database holds documents
 */
export async function loadDatabase(database: Db, folder: string): Promise<Manifest> {
  const manifest = await checkDump(folder);
  for (const name of DUMPED) {
    if (await database.collection(name).findOne())
      throw new CommandError(
        `${database.databaseName} is not empty: ${name} holds documents. Load the dump into a new database.`,
      );
  }
  await createIndexes(database);
  // A document is written after the document that it refers to.
  for (const name of DUMPED.toReversed().filter((one) => one in manifest.collections))
    await loadCollection(database, name, fileOf(folder, name));
  return manifest;
}

async function checkDump(folder: string): Promise<Manifest> {
  const text = await readFile(join(folder, MANIFEST), "utf8").catch(() => {
    throw new CommandError(`${folder} has no ${MANIFEST}, so it is not a complete dump. Use another copy.`);
  });
  const manifest = readManifest(text);
  for (const [name, made] of Object.entries(manifest.collections)) {
    if (!DUMPED.includes(name))
      throw new CommandError(
        `This release has no collection ${name}. Load the dump with the release that created it.`,
      );
    const { sha256, documents } = await summaryOf(fileOf(folder, name));
    if (made.sha256 !== sha256 || made.documents !== documents)
      throw new CommandError(
        `${fileOf(folder, name)} was changed after the dump. Use another copy of the dump.`,
      );
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
