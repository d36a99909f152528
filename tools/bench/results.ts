import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { chartsOf } from "#tools/bench/charts.ts";
import type { Machine } from "#tools/bench/machine.ts";
import type { CrowdRow } from "#tools/bench/sections/crowd.ts";
import type { GrowthRow } from "#tools/bench/sections/growth.ts";
import type { LoadResult } from "#tools/bench/sections/load.ts";
import type { MemoryResult } from "#tools/bench/sections/memory.ts";
import type { NetworkResult } from "#tools/bench/sections/network.ts";
import type { PeersResult } from "#tools/bench/sections/peers.ts";
import type { StorageRow } from "#tools/bench/sections/storage.ts";
import type { ThroughputRow } from "#tools/bench/sections/throughput.ts";

const FOLDER = new URL("../../docs/bench/", import.meta.url);

/** The figures of each section. */
export interface Figures {
  load: LoadResult;
  throughput: ThroughputRow[];
  crowd: CrowdRow[];
  peers: PeersResult;
  network: NetworkResult;
  growth: GrowthRow[];
  memory: MemoryResult;
  storage: StorageRow[];
}
export type Section = keyof Figures;

/** The figures of each section, with the time and machine of the run. */
export type Results = { [Name in Section]?: { ranAt: string; machine: Machine; figures: Figures[Name] } };

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
