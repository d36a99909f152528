import { CASES, type Case } from "#tools/bench/cases.ts";
import type { BenchEnvironment } from "#tools/bench/environment.ts";
import { fillDatabase, numbers, prepareAll } from "#tools/bench/fill_database.ts";
import { recordCalls, type Trips, writtenCollections } from "#tools/bench/recording.ts";
import { Runner } from "#tools/bench/runner.ts";
import { takeSnapshot } from "#tools/bench/snapshot.ts";
import { callsPerSecond, median, quantile, round } from "#tools/bench/statistics.ts";
import type { FigureTable } from "#tools/bench/tables.ts";
import type { Report } from "#tools/bench/target.ts";

export interface ThroughputRow {
  method: string;
  trips: number;
  commands: number;
  /** Concurrent calls in one process. */
  inFlight: number;
  callsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** The bare database commands of the same calls, in the same rounds. */
  bareCallsPerSecond: number;
  bareP50Ms: number;
  /** CPU milliseconds per call, and per replay of its bare commands. */
  cpuMs: number;
  bareCpuMs: number;
  /** Calls per second over replays per second; the median of all pairs of neighboring turns. */
  share: number;
  /** Target for `share`; null: none. */
  budget: number | null;
}

export interface ThroughputOptions {
  inFlight: readonly number[];
  /** Calls of a round, of which half are replays. */
  calls: number;
  rounds: number;
}

/** Targets for `share`, by method. */
const BUDGETS: Readonly<Record<string, number>> = {
  send_magic_link: 0.75,
  "authenticate_user, refresh": 0.7,
  "get_subscription_status 2020-12-14": 0.7,
  "get_subscription_status 2021-10-06": 0.7,
};

/** Times every method through its real handler, and compares it with the replay of its database commands. */
export async function measureThroughput(
  bench: BenchEnvironment,
  options: ThroughputOptions,
): Promise<ThroughputRow[]> {
  const rows: ThroughputRow[] = [];
  for (const measured of CASES) rows.push(...(await measureCase(bench, measured, options)));
  return rows;
}

type Target = "nest" | "bare";

async function measureCase(
  bench: BenchEnvironment,
  measured: Case,
  { inFlight, calls: count, rounds }: ThroughputOptions,
): Promise<ThroughputRow[]> {
  const place = await bench.openDatabase("throughput");
  try {
    const prepare = await prepareAll(await fillDatabase(bench, place, count), measured);
    const snapshot = await takeSnapshot(place.database);
    const recorded = await recordCalls(place, prepare());
    const runners = {
      nest: await Runner.open("nest", place.environment),
      bare: await Runner.open("bare", { MONGODB_URI: place.uri }),
    };
    try {
      const rows: ThroughputRow[] = [];
      for (const lanes of inFlight) {
        const reports: Record<Target, Report[]> = { nest: [], bare: [] };
        for (let round = -1; round < rounds; round++) {
          await snapshot.restore(writtenCollections(recorded));
          const calls = { nest: prepare(), bare: recorded };
          for (const { target, from, to } of slicesOf(count, lanes, round)) {
            const report = await runners[target].run(calls[target].slice(from, to), lanes);
            requireSuccess(measured.name, report);
            if (round >= 0) reports[target].push(report);
          }
        }
        rows.push(toRow(measured.name, recorded, lanes, reports));
      }
      return rows;
    } finally {
      await runners.nest.close();
      await runners.bare.close();
    }
  } finally {
    await place.drop();
  }
}

const SMALLEST_SLICE = 32;

/**
 * Divides users between the handlers and the replays, in short turns, so that other load affects both equally. The
 * division changes with each round.
 */
function slicesOf(count: number, lanes: number, round: number) {
  const size = Math.min(count / 2, Math.max(SMALLEST_SLICE, 2 * lanes));
  return numbers(Math.floor(count / size)).map((slice) => ({
    target: (slice + Math.max(0, round)) % 2 === 0 ? ("nest" as const) : ("bare" as const),
    from: slice * size,
    to: (slice + 1) * size,
  }));
}

function requireSuccess(name: string, { statuses }: Report): void {
  const failed = Object.keys(statuses).filter((status) => Number(status) >= 300);
  if (failed.length > 0) throw new Error(`${name}: timed calls failed (${JSON.stringify(statuses)}).`);
}

function toRow(
  method: string,
  recorded: readonly Trips[],
  inFlight: number,
  { nest, bare }: Record<"nest" | "bare", readonly Report[]>,
): ThroughputRow {
  const pairs = Math.min(nest.length, bare.length);
  const latencies = nest.flatMap(({ latenciesMs }) => latenciesMs);
  return {
    method,
    trips: median(recorded.map((trips) => trips.length)),
    commands: median(recorded.map((trips) => trips.flat().length)),
    inFlight,
    callsPerSecond: round(median(nest.map(callsPerSecond)), 3),
    p50Ms: round(quantile(latencies, 0.5), 3),
    p99Ms: round(quantile(latencies, 0.99), 3),
    bareCallsPerSecond: round(median(bare.map(callsPerSecond)), 3),
    bareP50Ms: round(median(bare.flatMap(({ latenciesMs }) => latenciesMs)), 3),
    cpuMs: round(median(nest.map(({ cpuMsPerCall }) => cpuMsPerCall)), 3),
    bareCpuMs: round(median(bare.map(({ cpuMsPerCall }) => cpuMsPerCall)), 3),
    share: round(
      median(
        numbers(pairs).map(
          (pair) => callsPerSecond(nest[pair] as Report) / callsPerSecond(bare[pair] as Report),
        ),
      ),
      3,
    ),
    budget: BUDGETS[method] ?? null,
  };
}

export function describeThroughput(rows: readonly ThroughputRow[]): FigureTable {
  return {
    title: "Throughput",
    explanation: `Each method through its real handler on the real database, with a number of concurrent calls in one process. A replay sends
only the database commands of the same call, in the same order. "share" is calls/s over replays/s, measured in the same rounds.`,
    rows: [
      [
        "method",
        "trips",
        "commands",
        "concurrent",
        "calls/s",
        "p50 ms",
        "p99 ms",
        "replays/s",
        "replay p50",
        "CPU ms",
        "replay CPU",
        "share",
        "target",
        "met",
      ],
      ...rows.map((row) => [
        row.method,
        row.trips,
        row.commands,
        row.inFlight,
        row.callsPerSecond,
        row.p50Ms,
        row.p99Ms,
        row.bareCallsPerSecond,
        row.bareP50Ms,
        row.cpuMs,
        row.bareCpuMs,
        row.share,
        row.budget ?? "",
        row.budget === null ? "" : row.share >= row.budget ? "yes" : "no",
      ]),
    ],
  };
}
