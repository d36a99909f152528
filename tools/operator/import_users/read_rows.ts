import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { type CsvError, parse } from "csv-parse";
import { CommandError } from "#tools/terminal/errors.ts";

/** The fields of one user of a file, by their `fieldName`. */
export type Fields = ReadonlyMap<string, unknown>;

/** One user of a file, or the reason why a line can't be read. */
export type Row = { line: number } & ({ fields: Fields } | { problem: string });

interface Opened {
  content: Readable;
  isJson: boolean;
}

/**
 * Reads the users of a CSV file with a header, or of a file with one JSON object per line. Either may be compressed with
 * gzip. Only a part of the file is in memory.
 * @param required columns that the header of CSV must have
 * @throws CommandError if the file can't be read, or has another format
 */
export async function* readRows(path: string, required: readonly string[]): AsyncGenerator<Row> {
  const { content, isJson } = await openFile(path);
  const readHeader = (names: string[]) => {
    const columns = names.map(fieldName);
    const missing = required.filter((name) => !columns.includes(fieldName(name)));
    if (missing.length === 0) return columns;
    throw new CommandError(
      `${path}:1: the header has no column ${missing.join(", ")}. The header is ${quote(names.join(","))}. The first line must name the columns, separated by commas.`,
    );
  };
  try {
    yield* isJson ? readJsonLines(content) : readCsv(content, readHeader);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(
      `${path} can't be read: ${(error as Error).message}. Nothing after that was read.`,
    );
  } finally {
    content.destroy();
  }
}

/** A value for a message, shortened. */
export const quote = (text: string) => JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);

/** `emailVerified`, `email_verified` and `Email Verified` are one name. */
export const fieldName = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, "");

async function openFile(path: string): Promise<Opened> {
  const isCompressed =
    (await firstBytes(createReadStream(path), path)).subarray(0, 2).toString("hex") === "1f8b";
  const stream = () => {
    const source = createReadStream(path);
    if (!isCompressed) return source;
    const unpacked = createGunzip();
    // An error of the source must reach the reader.
    source.on("error", (error) => unpacked.destroy(error)).pipe(unpacked);
    return unpacked.on("close", () => source.destroy());
  };
  const start = (await firstBytes(stream(), path))
    .toString("utf8")
    .replace(/^\uFEFF/, "")
    .trimStart();
  if (start === "") throw new CommandError(`${path} is empty.`);
  if (start.startsWith("["))
    throw new CommandError(
      `${path} is one JSON array. Write one object per line instead: jq -c '.[]' ${path} > users.ndjson`,
    );
  return { content: stream(), isJson: start.startsWith("{") };
}

async function firstBytes(stream: Readable, path: string): Promise<Buffer> {
  try {
    for await (const chunk of stream) return chunk;
    return Buffer.alloc(0);
  } catch (error) {
    throw new CommandError(`${path} can't be read: ${(error as Error).message}.`);
  }
}

async function* readJsonLines(content: Readable): AsyncGenerator<Row> {
  let line = 0;
  for await (const text of createInterface({ input: content, crlfDelay: Number.POSITIVE_INFINITY })) {
    line++;
    if (text.trim() === "") continue;
    const value = parseObject(line === 1 ? text.replace(/^\uFEFF/, "") : text);
    if (value === null) yield { line, problem: "not a JSON object" };
    else yield { line, fields: new Map(Object.entries(value).map(([name, of]) => [fieldName(name), of])) };
  }
}

function parseObject(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

const CSV_PROBLEMS: Readonly<Record<string, string>> = {
  CSV_RECORD_INCONSISTENT_COLUMNS: "not a record with as many fields as the header",
  CSV_QUOTE_NOT_CLOSED:
    "the end of a quoted field that is never closed. Nothing after its first quote was read",
};

async function* readCsv(content: Readable, columns: (names: string[]) => string[]): AsyncGenerator<Row> {
  const unreadable: Row[] = [];
  const parser = parse({
    bom: true,
    info: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    // A quote within a field belongs to it, so that a wrong quote damages only its own line.
    relax_quotes: true,
    columns,
  });
  parser.on("skip", ({ lines, code }: CsvError & { lines: number }) => {
    unreadable.push({ line: lines, problem: CSV_PROBLEMS[code] ?? `not a CSV record (${code})` });
  });
  content.on("error", (error) => parser.destroy(error)).pipe(parser);
  for await (const { record, info } of parser as AsyncIterable<{
    record: Record<string, string>;
    info: { lines: number };
  }>) {
    // The parser reads ahead, so it may have skipped later lines already.
    const before = unreadable.findIndex(({ line }) => line > info.lines);
    yield* unreadable.splice(0, before < 0 ? unreadable.length : before);
    yield { line: info.lines, fields: new Map(Object.entries(record)) };
  }
  yield* unreadable;
}
