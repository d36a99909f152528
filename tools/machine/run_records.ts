import { mkdir, readFile, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, totalmem } from "node:os";

const FOLDER = new URL("../../docs/results/", import.meta.url);

/** A run whose result docs/results.md shows. */
export interface RunRecord {
  /** One sentence. */
  summary: string;
  table?: { head: readonly string[]; rows: readonly (readonly string[])[] };
}

/** A record with the day of its run. */
export type SavedRecord = RunRecord & {
  /** Such as `2026-11-25`. */
  ranOn: string;
  /** The machine and its database, in a few words. */
  machine: string;
};

function machineInWords(): string {
  const processor = cpus()[0]?.model.trim() ?? "unknown processor";
  const memoryGb = Math.round(totalmem() / 2 ** 30);
  return `${processor}, ${availableParallelism()} cores, ${memoryGb} GB, Node ${process.version}`;
}

/** Replaces the record of a name, which docs/results.md then shows. */
export async function saveRecord(name: string, { summary, table }: RunRecord, machine = machineInWords()) {
  await mkdir(FOLDER, { recursive: true });
  const saved = { ranOn: new Date().toISOString().slice(0, 10), machine, summary, ...(table && { table }) };
  await writeFile(
    new URL(`${name}.json`, FOLDER),
    `${JSON.stringify(saved satisfies SavedRecord, null, 2)}\n`,
  );
}

/** @returns null before the first run */
export async function readRecord(name: string): Promise<SavedRecord | null> {
  const text = await readFile(new URL(`${name}.json`, FOLDER), "utf8").catch(() => null);
  return text === null ? null : (JSON.parse(text) as SavedRecord);
}
