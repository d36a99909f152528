import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { createGunzip } from "node:zlib";
import { BSON, type Document } from "mongodb";
import { int, iso, minimum, object, record, regex, safeParse, string } from "zod/mini";
import { REPOSITORIES } from "#core/repositories/all.ts";
import type { RepositoryClass } from "#core/repositories/repository.ts";
import { CommandError } from "#tools/terminal/errors.ts";

/**
 * The collections of a dump, in the order in which they are read: a document before the document that it refers to. So
 * a dump that is taken while the service writes holds no document without the document it refers to.
 */
export const DUMPED = Object.values<RepositoryClass>(REPOSITORIES)
  .filter(({ isDumped }) => isDumped !== false)
  .map(({ collectionName }) => collectionName)
  .reverse();

const manifest = object({
  made_at: iso.datetime(),
  database: string(),
  collections: record(
    string(),
    object({ documents: int().check(minimum(0)), sha256: string().check(regex(/^[0-9a-f]{64}$/)) }),
  ),
});

/** The description of a dump. It is written last, so a dump without it is incomplete. */
export interface Manifest {
  made_at: string;
  database: string;
  collections: Record<string, { documents: number; sha256: string }>;
}

export const MANIFEST = "manifest.json";
export const fileOf = (folder: string, collection: string) => join(folder, `${collection}.ndjson.gz`);

/** One document as one line of canonical Extended JSON, which keeps every BSON type. */
export const toLine = (document: Document) => `${BSON.EJSON.stringify(document, { relaxed: false })}\n`;

/** Returns the hash and the number of lines of a file. @throws CommandError if it can't be read */
export async function summaryOf(file: string): Promise<{ documents: number; sha256: string }> {
  const hash = createHash("sha256");
  let documents = 0;
  for await (const line of linesOf(file)) {
    hash.update(line).update("\n");
    documents++;
  }
  return { documents, sha256: hash.digest("hex") };
}

/**
 * Reads the lines of a file. Only `\n` ends a line: readline also splits at Unicode line separators, which a stored
 * text may hold.
 * @throws CommandError if it can't be read
 */
export async function* linesOf(file: string): AsyncGenerator<string> {
  const source = createReadStream(file);
  const text = createGunzip();
  // An error of the source must reach the reader of its lines.
  source.on("error", (error) => text.destroy(error)).pipe(text);
  try {
    let begun = "";
    for await (const chunk of text.setEncoding("utf8") as AsyncIterable<string>) {
      const lines = chunk.split("\n");
      lines[0] = begun + lines[0];
      begun = lines.pop() ?? "";
      yield* lines;
    }
    if (begun !== "") yield begun;
  } catch {
    throw new CommandError(`${file} can't be read: it is missing or damaged. Use another copy of the dump.`);
  } finally {
    source.destroy();
  }
}

export const fromLine = (line: string) => BSON.EJSON.parse(line, { relaxed: false }) as Document;

/** Reads a manifest. @throws CommandError if the text is not a manifest */
export function readManifest(text: string): Manifest {
  try {
    const { data } = safeParse(manifest, JSON.parse(text));
    if (data) return data;
  } catch {}
  throw new CommandError(`${MANIFEST} is not the manifest of a dump. Use another copy of the dump.`);
}
