import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type Bar, barChart, lineChart } from "#tools/bench/chart.ts";
import { type Machine, sayMachine } from "#tools/bench/machine.ts";
import type { GrowthRow } from "#tools/bench/sections/growth.ts";
import type { LoadResult } from "#tools/bench/sections/load.ts";
import type { MemoryResult } from "#tools/bench/sections/memory.ts";
import type { PeerRow } from "#tools/bench/sections/peers.ts";
import type { ThroughputRow } from "#tools/bench/sections/throughput.ts";

/** Where the figures of the docs lie. */
const FOLDER = new URL("../../docs/bench/", import.meta.url);

/** What is measured, by section. */
export interface Figures {
  load: LoadResult;
  throughput: ThroughputRow[];
  peers: PeerRow[];
  growth: GrowthRow[];
  memory: MemoryResult;
}
export type Section = keyof Figures;

/** The figures of each section with when and where they were measured. */
export type Results = { [Name in Section]?: { ranAt: string; machine: Machine; figures: Figures[Name] } };

/** Puts what was measured in the place of what the docs had of the same sections. @returns the folder */
export async function writeResults(measured: Results): Promise<string> {
  await mkdir(FOLDER, { recursive: true });
  const all = { ...(await readResults()), ...measured };
  await writeFile(new URL("results.json", FOLDER), `${JSON.stringify(all, null, 2)}\n`);
  for (const [name, chart] of Object.entries(chartsOf(measured)))
    await writeFile(new URL(`${name}.svg`, FOLDER), chart);
  return fileURLToPath(FOLDER);
}

/** What the docs have; nothing before the first run. */
export async function readResults(): Promise<Results> {
  const file = new URL("results.json", FOLDER);
  return existsSync(file) ? (JSON.parse(await readFile(file, "utf8")) as Results) : {};
}

/** Whose figures they are, below a chart's title. */
const on = (machine: Machine) => sayMachine(machine).split(" Load before")[0] ?? "";

function chartsOf({ load, throughput, peers, growth, memory }: Results): Record<string, string> {
  return {
    ...(load && { load: loadChart(load.figures, on(load.machine)) }),
    ...(throughput && { throughput: throughputChart(throughput.figures, on(throughput.machine)) }),
    ...(peers && { peers: peersChart(peers.figures, on(peers.machine)) }),
    ...(growth && { growth: growthChart(growth.figures, on(growth.machine)) }),
    ...(memory && { memory: memoryChart(memory.figures, on(memory.machine)) }),
  };
}

function memoryChart({ calls, heap, bytesPerCall }: MemoryResult, where: string): string {
  return lineChart(
    `Heap in MB over ${calls.toLocaleString("en")} calls`,
    `After a collection of garbage; ${bytesPerCall} bytes a call in the second half. ${where}`,
    heap.map(({ calls: made, bytes }) => [made, bytes / 2 ** 20] as const),
  );
}

function loadChart({ functions, floor }: LoadResult, where: string): string {
  const bars: Bar[] = functions.map(({ name, loadMs, overFloor, budget }) => ({
    label: name,
    value: loadMs,
    mark: budget === null ? null : floor.loadMs * budget,
    isMet: budget === null ? null : overFloor <= budget,
  }));
  const driver: Bar = { label: "the database driver alone", value: floor.loadMs, mark: null, isMet: null };
  return barChart("Loading a function in a fresh process, ms", `The line is the budget. ${where}`, [
    driver,
    ...bars,
  ]);
}

function throughputChart(rows: readonly ThroughputRow[], where: string): string {
  const bars = rows.map(({ method, inFlight, share, budget }) => ({
    label: `${method}, ${inFlight} in flight`,
    value: share,
    mark: budget,
    isMet: budget === null ? null : share >= budget,
  }));
  return barChart(
    "Calls a second, as a share of the bare driver calls",
    `The line is what is wanted. ${where}`,
    bars,
  );
}

function peersChart(rows: readonly PeerRow[], where: string): string {
  const bars = rows.map(({ flow, limits, inFlight, times, budget }) => ({
    label: `${flow}, ${inFlight} in flight, its limits ${limits === "off" ? "off" : "on"}`,
    value: times,
    mark: budget,
    isMet: times >= budget,
  }));
  return barChart("Nest's calls for each of better-auth's", `The line is what was wanted. ${where}`, bars);
}

function growthChart(rows: readonly GrowthRow[], where: string): string {
  const bars = rows.map(({ method, growth, budget }) => ({
    label: method,
    value: growth,
    mark: budget,
    isMet: growth <= budget,
  }));
  const sizes = Object.keys(rows[0]?.p50Ms ?? {}).map((size) => Number(size).toLocaleString("en"));
  return barChart(
    `The time of a call with ${sizes.at(-1)} people over that with ${sizes[0]}`,
    `The line is the budget. ${where}`,
    bars,
  );
}
