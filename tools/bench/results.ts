import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type Bar, barChart, lineChart } from "#tools/bench/chart.ts";
import { describeMachine, type Machine } from "#tools/bench/machine.ts";
import type { GrowthRow } from "#tools/bench/sections/growth.ts";
import type { LoadResult } from "#tools/bench/sections/load.ts";
import type { MemoryResult } from "#tools/bench/sections/memory.ts";
import type { PeerRow } from "#tools/bench/sections/peers.ts";
import type { StorageRow } from "#tools/bench/sections/storage.ts";
import type { ThroughputRow } from "#tools/bench/sections/throughput.ts";

const FOLDER = new URL("../../docs/bench/", import.meta.url);

/** The figures of each section. */
export interface Figures {
  load: LoadResult;
  throughput: ThroughputRow[];
  peers: PeerRow[];
  growth: GrowthRow[];
  memory: MemoryResult;
  storage: StorageRow[];
}
export type Section = keyof Figures;

/** The figures of each section, with the time and machine of the run. */
export type Results = { [Name in Section]?: { ranAt: string; machine: Machine; figures: Figures[Name] } };

/** Replaces the stored figures and charts of the measured sections. @returns the folder */
export async function writeResults(measured: Results): Promise<string> {
  await mkdir(FOLDER, { recursive: true });
  const all = { ...(await readResults()), ...measured };
  await writeFile(new URL("results.json", FOLDER), `${JSON.stringify(all, null, 2)}\n`);
  for (const [name, chart] of await chartsOf(measured))
    await writeFile(new URL(`${name}.svg`, FOLDER), chart);
  return fileURLToPath(FOLDER);
}

/** The stored figures; empty before the first run. */
export async function readResults(): Promise<Results> {
  const file = new URL("results.json", FOLDER);
  return existsSync(file) ? (JSON.parse(await readFile(file, "utf8")) as Results) : {};
}

/** The machine in a few words. */
const on = (machine: Machine) => describeMachine(machine).split(" Load before")[0] ?? "";

/** Draws the chart of each section. @returns SVGs by section */
export async function chartsOf({ load, throughput, peers, growth, memory, storage }: Results) {
  const charts: Partial<Record<Section, Promise<string>>> = {
    ...(load && { load: loadChart(load.figures, on(load.machine)) }),
    ...(throughput && { throughput: throughputChart(throughput.figures, on(throughput.machine)) }),
    ...(peers && { peers: peersChart(peers.figures, on(peers.machine)) }),
    ...(growth && { growth: growthChart(growth.figures, on(growth.machine)) }),
    ...(memory && { memory: memoryChart(memory.figures, on(memory.machine)) }),
    ...(storage && { storage: storageChart(storage.figures, on(storage.machine)) }),
  };
  return Promise.all(Object.entries(charts).map(async ([name, chart]) => [name, await chart] as const));
}

function memoryChart({ calls, heap, bytesPerCall }: MemoryResult, machine: string): Promise<string> {
  return lineChart(
    {
      title: `Heap over ${calls.toLocaleString("en")} calls`,
      subtitle: `${bytesPerCall} bytes per call in the second half. ${machine}`,
      x: "calls",
      y: "heap after GC, MB (flat is better)",
    },
    heap.map(({ calls: made, bytes }) => [made, bytes / 2 ** 20] as const),
  );
}

function loadChart({ functions, floor }: LoadResult, machine: string): Promise<string> {
  const bars = functions.map(
    ({ name, loadMs, overFloor, budget }): Bar => ({
      label: name,
      value: loadMs,
      target: budget === null ? null : floor.loadMs * budget,
      isMet: budget === null ? null : overFloor <= budget,
    }),
  );
  const driver: Bar = { label: "the database driver alone", value: floor.loadMs, target: null, isMet: null };
  return barChart(
    {
      title: "Loading a function in a new process",
      subtitle: `Black line: target. ${machine}`,
      x: "milliseconds (less is better)",
    },
    [driver, ...bars],
  );
}

function throughputChart(rows: readonly ThroughputRow[], machine: string): Promise<string> {
  const bars = rows.map(
    ({ method, inFlight, share, budget }): Bar => ({
      label: `${method}, ${inFlight} concurrent`,
      value: share,
      target: budget,
      isMet: budget === null ? null : share >= budget,
    }),
  );
  return barChart(
    {
      title: "Throughput as a share of the bare database commands",
      subtitle: `Black line: target. ${machine}`,
      x: "calls per second / calls per second of the bare commands (more is better)",
    },
    bars,
  );
}

function peersChart(rows: readonly PeerRow[], machine: string): Promise<string> {
  const bars = rows.map(
    ({ flow, limits, inFlight, times, budget }): Bar => ({
      label: `${flow}, ${inFlight} concurrent, rate limit ${limits === "off" ? "off" : "on"}`,
      value: times,
      target: budget,
      isMet: times >= budget,
    }),
  );
  return barChart(
    {
      title: "Throughput compared with better-auth",
      subtitle: `Black line: target. "rate limit": that of better-auth. ${machine}`,
      x: "calls per second / calls per second of better-auth (more is better)",
    },
    bars,
  );
}

function growthChart(rows: readonly GrowthRow[], machine: string): Promise<string> {
  const bars = rows.map(
    ({ method, growth, budget }): Bar => ({
      label: method,
      value: growth,
      target: budget,
      isMet: growth <= budget,
    }),
  );
  const sizes = Object.keys(rows[0]?.p50Ms ?? {}).map((size) => Number(size).toLocaleString("en"));
  return barChart(
    {
      title: `Time of a call with ${sizes.at(-1)} users compared with ${sizes[0]} users`,
      subtitle: `Black line: target. ${machine}`,
      x: "median time / median time with the fewest users (less is better)",
    },
    bars,
  );
}

function storageChart(rows: readonly StorageRow[], machine: string): Promise<string> {
  const bars = rows.map(({ usage, dataBytes, indexBytes, budget }): Bar => {
    const bytes = dataBytes + indexBytes;
    return { label: usage, value: bytes / 1e6, target: budget / 1e6, isMet: bytes <= budget };
  });
  return barChart(
    {
      title: "Storage of one machine after a year of daily use",
      subtitle: `Documents of its session and tokens, with indexes. Black line: target. ${machine}`,
      x: "MB of one machine (less is better)",
    },
    bars,
  );
}
