import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { Db } from "mongodb";
import { DUMPED, fileOf, MANIFEST, type Manifest, toLine } from "#tools/operator/dump/format.ts";
import { CommandError } from "#tools/terminal/errors.ts";

/**
 * Writes every document to files in a new folder that only its owner may read.
 * @throws CommandError if the folder exists or can't be created
 */
export async function dumpDatabase(database: Db, folder: string): Promise<Manifest> {
  await mkdir(folder, { mode: 0o700 }).catch(() => {
    throw new CommandError(
      `${folder} exists already or can't be created. Name a folder that does not exist yet.`,
    );
  });
  const manifest: Manifest = {
    made_at: new Date().toISOString(),
    database: database.databaseName,
    collections: {},
  };
  for (const name of DUMPED)
    manifest.collections[name] = await dumpCollection(database, name, fileOf(folder, name));
  await writeFile(join(folder, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
  return manifest;
}

async function dumpCollection(database: Db, name: string, file: string) {
  const hash = createHash("sha256");
  let documents = 0;
  async function* lines() {
    for await (const document of database.collection(name).find()) {
      const line = toLine(document);
      hash.update(line);
      documents++;
      yield line;
    }
  }
  await pipeline(Readable.from(lines()), createGzip(), createWriteStream(file, { mode: 0o600, flags: "wx" }));
  return { documents, sha256: hash.digest("hex") };
}
