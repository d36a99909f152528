import { type Bar, barChart, lineChart } from "#tools/bench/chart.ts";
import { consoleChart } from "#tools/bench/console_chart.ts";
import type { Results, Section } from "#tools/bench/figures.ts";
import { describeMachine, type Machine } from "#tools/bench/machine.ts";
import type { PairRow } from "#tools/bench/peer_pairs.ts";
import { targetOf } from "#tools/bench/peer_targets.ts";
import { type CrowdRow, gainOf, LEAST_GAIN } from "#tools/bench/sections/crowd.ts";
import type { GrowthRow } from "#tools/bench/sections/growth.ts";
import type { LoadResult } from "#tools/bench/sections/load.ts";
import type { MemoryResult } from "#tools/bench/sections/memory.ts";
import type { NetworkResult } from "#tools/bench/sections/network.ts";
import type { PeersResult } from "#tools/bench/sections/peers.ts";
import type { StorageRow } from "#tools/bench/sections/storage.ts";
import type { ThroughputRow } from "#tools/bench/sections/throughput.ts";
import { round } from "#tools/bench/statistics.ts";

const LINE = "Black line: target.";

/** The machine in a few words. */
const on = (machine: Machine) => describeMachine(machine).split(" Load before")[0] ?? "";

/** Draws the chart of each section. @returns SVGs by section */
export async function chartsOf(results: Results) {
  const { load, throughput, crowd, peers, network, growth, memory, storage, console: page } = results;
  const charts: Partial<Record<Section, Promise<string>>> = {
    ...(load && { load: loadChart(load.figures, on(load.machine)) }),
    ...(throughput && { throughput: throughputChart(throughput.figures, on(throughput.machine)) }),
    ...(crowd && { crowd: crowdChart(crowd.figures, on(crowd.machine)) }),
    ...(peers && { peers: peersChart(peers.figures, on(peers.machine)) }),
    ...(network && { network: networkChart(network.figures, on(network.machine)) }),
    ...(growth && { growth: growthChart(growth.figures, on(growth.machine)) }),
    ...(memory && { memory: memoryChart(memory.figures, on(memory.machine)) }),
    ...(storage && { storage: storageChart(storage.figures, on(storage.machine)) }),
    ...(page && { console: consoleChart(page.figures, on(page.machine)) }),
  };
  return Promise.all(Object.entries(charts).map(async ([name, chart]) => [name, await chart] as const));
}

function memoryChart({ calls, heap, bytesPerCall }: MemoryResult, machine: string): Promise<string> {
  return lineChart(
    {
      title: `Heap after garbage collection, over ${calls.toLocaleString("en")} calls`,
      subtitle: `${bytesPerCall} bytes per call in the second half. ${machine}`,
      x: "number of calls",
      y: "heap, MB (flat is better)",
    },
    heap.map(({ calls: made, bytes }) => [made, bytes / 2 ** 20] as const),
  );
}

function loadChart({ functions, floor }: LoadResult, machine: string): Promise<string> {
  const bars = functions.map(
    ({ name, loadMs, overFloor, budget }): Bar => ({
      label: name,
      value: loadMs,
      detail: `${overFloor} times the driver`,
      target: budget === null ? null : floor.loadMs * budget,
      isMet: budget === null ? null : overFloor <= budget,
    }),
  );
  const driver: Bar = { label: "the database driver alone", value: floor.loadMs, target: null, isMet: null };
  return barChart(
    {
      title: "Loading a function in a new process",
      subtitle: `${LINE} ${machine}`,
      x: "time to load, ms (lower is better)",
      y: "function",
    },
    [driver, ...bars],
  );
}

function throughputChart(rows: readonly ThroughputRow[], machine: string): Promise<string> {
  const bars = rows.map(
    ({ method, inFlight, share, p50Ms, bareP50Ms, budget }): Bar => ({
      label: `${method}, ${inFlight} concurrent`,
      value: share,
      detail: `${p50Ms} ms, commands ${bareP50Ms} ms`,
      target: budget,
      isMet: budget === null ? null : share >= budget,
    }),
  );
  return barChart(
    {
      title: "Throughput as a share of the bare database commands",
      subtitle: `In brackets: median time of a call, and of its commands alone. ${LINE} ${machine}`,
      x: "calls per second / calls per second of the bare commands (higher is better)",
      y: "method and concurrent calls",
    },
    bars,
  );
}

function crowdChart(rows: readonly CrowdRow[], machine: string): Promise<string> {
  const bars = rows.flatMap((row): Bar[] => {
    const { gain, one, many, isFlagged } = gainOf(row);
    if (gain === null) return [];
    return [
      {
        label: row.method,
        value: gain,
        detail: `${one?.callsPerSecond} → ${many?.callsPerSecond} calls/s, p99 ${one?.p99Ms} → ${many?.p99Ms} ms`,
        target: LEAST_GAIN,
        isMet: !isFlagged,
      },
    ];
  });
  return barChart(
    {
      title: "Throughput with 64 concurrent calls compared with one",
      subtitle: `In brackets: with one call at a time → with 64 concurrent calls. ${LINE} ${machine}`,
      x: "calls per second with 64 concurrent calls / with one (higher is better)",
      y: "method",
    },
    bars,
  );
}

const pairBar = (row: PairRow, label: string): Bar => {
  const target = targetOf(row);
  return {
    label,
    value: row.times,
    detail: `${row.p50Ms} ms, better-auth ${row.peerP50Ms} ms`,
    target,
    isMet: target === null ? null : row.times >= target,
  };
};

const SETTING = {
  database: { distinct: "", one: ", one network" },
  off: { distinct: ", no limit", one: ", one network, no limit" },
};

function peersChart({ version, rows }: PeersResult, machine: string): Promise<string> {
  return barChart(
    {
      title: `Throughput compared with better-auth ${version}`,
      subtitle: `In brackets: median times of a call. "no limit": better-auth without its rate limit. ${LINE} ${machine}`,
      x: "calls per second / calls per second of better-auth (higher is better)",
      y: "flow and concurrent calls",
    },
    rows.map((row) =>
      pairBar(row, `${row.flow}, ${row.inFlight} concurrent${SETTING[row.limits][row.networks]}`),
    ),
  );
}

function networkChart({ version, rows }: NetworkResult, machine: string): Promise<string> {
  return barChart(
    {
      title: `Throughput compared with better-auth ${version}, by network latency to the database`,
      subtitle: `In brackets: median times of a call. One call at a time. ${LINE} ${machine}`,
      x: "calls per second / calls per second of better-auth (higher is better)",
      y: "flow and added round trip",
    },
    rows.map((row) => pairBar(row, `${row.flow}, ${row.addedMs} ms added`)),
  );
}

function growthChart(rows: readonly GrowthRow[], machine: string): Promise<string> {
  const sizes = Object.keys(rows[0]?.p50Ms ?? {});
  const [fewest = "", most = ""] = [sizes[0], sizes.at(-1)];
  const inWords = (size: string) => Number(size).toLocaleString("en");
  const bars = rows.map(
    ({ method, growth, p50Ms, budget }): Bar => ({
      label: method,
      value: growth,
      detail: `${p50Ms[Number(fewest)]} → ${p50Ms[Number(most)]} ms`,
      target: budget,
      isMet: growth <= budget,
    }),
  );
  return barChart(
    {
      title: `Time of a call with ${inWords(most)} users compared with ${inWords(fewest)} users`,
      subtitle: `In brackets: median times. ${LINE} ${machine}`,
      x: "median time / median time with the fewest users (lower is better)",
      y: "method",
    },
    bars,
  );
}

function storageChart(rows: readonly StorageRow[], machine: string): Promise<string> {
  const bars = rows.map(({ usage, dataBytes, indexBytes, budget }): Bar => {
    const bytes = dataBytes + indexBytes;
    return { label: usage, value: round(bytes / 1e6, 3), target: budget / 1e6, isMet: bytes <= budget };
  });
  return barChart(
    {
      title: "Storage of one machine after a year of daily use",
      subtitle: `Documents of its session and tokens, with indexes. ${LINE} ${machine}`,
      x: "storage of one machine, MB (lower is better)",
      y: "use",
    },
    bars,
  );
}
