import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { chartsOf } from "#tools/bench/charts.ts";
import type { Results } from "#tools/bench/figures.ts";

const FOLDER = new URL("../../docs/bench/", import.meta.url);

/** Replaces the stored figures of the measured sections, and draws the charts of all sections. @returns the folder */
export async function writeResults(measured: Results): Promise<string> {
  await mkdir(FOLDER, { recursive: true });
  const all = { ...(await readResults()), ...measured };
  await writeFile(new URL("results.json", FOLDER), `${JSON.stringify(all, null, 2)}\n`);
  for (const [name, chart] of await chartsOf(all)) await writeFile(new URL(`${name}.svg`, FOLDER), chart);
  return fileURLToPath(FOLDER);
}

/** The stored figures; empty before the first run. */
export async function readResults(): Promise<Results> {
  const file = new URL("results.json", FOLDER);
  return existsSync(file) ? (JSON.parse(await readFile(file, "utf8")) as Results) : {};
}
