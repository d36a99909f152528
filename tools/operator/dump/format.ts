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
 * The collections of a dump, in the order in which they are read: a document before the document that it refers to. So a
 * dump that is made while the service writes holds no document without the document it refers to.
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

/** What a dump says of itself; written last, so that one without it is not whole. */
export interface Manifest {
  made_at: string;
  database: string;
  collections: Record<string, { documents: number; sha256: string }>;
}

export const MANIFEST = "manifest.json";
export const fileOf = (folder: string, collection: string) => join(folder, `${collection}.ndjson.gz`);

/** One document as one line: MongoDB's Extended JSON, canonical, so that every type comes back as it was. */
export const toLine = (document: Document) => `${BSON.EJSON.stringify(document, { relaxed: false })}\n`;

/** A file's hash and number of lines. @throws CommandError if it can't be read */
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
 * A file's lines. Only `\n` ends one: readline would also break at what else Unicode has, which people may have typed.
 * @throws CommandError if it can't be read
 */
export async function* linesOf(file: string): AsyncGenerator<string> {
  const source = createReadStream(file);
  const text = createGunzip();
  // What goes wrong at the source is thrown where its lines are read.
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
    throw new CommandError(`${file} can't be read.`);
  } finally {
    source.destroy();
  }
}

export const fromLine = (line: string) => BSON.EJSON.parse(line, { relaxed: false }) as Document;

/** @throws CommandError unless it is one */
export function readManifest(text: string): Manifest {
  try {
    const { data } = safeParse(manifest, JSON.parse(text));
    if (data) return data;
  } catch {}
  throw new CommandError(`${MANIFEST} is none.`);
}
