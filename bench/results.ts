import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type Bar, barChart, lineChart } from "#bench/chart.ts";
import { type Machine, sayMachine } from "#bench/machine.ts";
import type { GrowthRow } from "#bench/sections/growth.ts";
import type { LoadResult } from "#bench/sections/load.ts";
import type { MemoryResult } from "#bench/sections/memory.ts";
import type { PeerRow } from "#bench/sections/peers.ts";
import type { ThroughputRow } from "#bench/sections/throughput.ts";

/** Where the figures of the docs lie. */
const FOLDER = new URL("../docs/bench/", import.meta.url);

/** What one run measured. A section that was not asked for is missing. */
export interface Results {
  ranAt: string;
  machine: Machine;
  load?: LoadResult;
  throughput?: ThroughputRow[];
  peers?: PeerRow[];
  growth?: GrowthRow[];
  memory?: MemoryResult;
}

/** Writes the figures and their charts. @returns the folder */
export async function writeResults(results: Results): Promise<string> {
  await mkdir(FOLDER, { recursive: true });
  await writeFile(new URL("results.json", FOLDER), `${JSON.stringify(results, null, 2)}\n`);
  for (const [name, chart] of Object.entries(chartsOf(results)))
    await writeFile(new URL(`${name}.svg`, FOLDER), chart);
  return fileURLToPath(FOLDER);
}

function chartsOf({ machine, load, throughput, peers, growth, memory }: Results): Record<string, string> {
  const on = sayMachine(machine).split(" Load before")[0] ?? "";
  return {
    ...(load && { load: loadChart(load, on) }),
    ...(throughput && { throughput: throughputChart(throughput, on) }),
    ...(peers && { peers: peersChart(peers, on) }),
    ...(growth && { growth: growthChart(growth, on) }),
    ...(memory && {
      memory: lineChart(
        `Heap in MB over ${memory.calls.toLocaleString("en")} calls`,
        `After a collection of garbage; ${memory.bytesPerCall} bytes a call in the second half. ${on}`,
        memory.heap.map(({ calls, bytes }) => [calls, bytes / 2 ** 20] as const),
      ),
    }),
  };
}

function loadChart({ functions, floor }: LoadResult, on: string): string {
  const bars: Bar[] = functions.map(({ name, loadMs, overFloor, budget }) => ({
    label: name,
    value: loadMs,
    mark: budget === null ? null : floor.loadMs * budget,
    isMet: budget === null ? null : overFloor <= budget,
  }));
  const driver: Bar = { label: "the database driver alone", value: floor.loadMs, mark: null, isMet: null };
  return barChart("Loading a function in a fresh process, ms", `The line is the budget. ${on}`, [
    driver,
    ...bars,
  ]);
}

function throughputChart(rows: readonly ThroughputRow[], on: string): string {
  const bars = rows.map(({ method, inFlight, share, budget }) => ({
    label: `${method}, ${inFlight} in flight`,
    value: share,
    mark: budget,
    isMet: budget === null ? null : share >= budget,
  }));
  return barChart(
    "Calls a second, as a share of the bare driver calls",
    `The line is what is wanted. ${on}`,
    bars,
  );
}

function peersChart(rows: readonly PeerRow[], on: string): string {
  const bars = rows.map(({ flow, limits, inFlight, times, budget }) => ({
    label: `${flow}, ${inFlight} in flight, its limits ${limits === "off" ? "off" : "on"}`,
    value: times,
    mark: budget,
    isMet: times >= budget,
  }));
  return barChart("Nest's calls for each of better-auth's", `The line is what was wanted. ${on}`, bars);
}

function growthChart(rows: readonly GrowthRow[], on: string): string {
  const bars = rows.map(({ method, growth, budget }) => ({
    label: method,
    value: growth,
    mark: budget,
    isMet: growth <= budget,
  }));
  const sizes = Object.keys(rows[0]?.p50Ms ?? {}).map((size) => Number(size).toLocaleString("en"));
  return barChart(
    `The time of a call with ${sizes.at(-1)} people over that with ${sizes[0]}`,
    `The line is the budget. ${on}`,
    bars,
  );
}
