import { CASES, type Case } from "#tools/bench/cases.ts";
import type { BenchEnvironment } from "#tools/bench/environment.ts";
import { fillDatabase, prepareAll } from "#tools/bench/fill_database.ts";
import { recordCalls, writtenCollections } from "#tools/bench/recording.ts";
import { Runner } from "#tools/bench/runner.ts";
import { takeSnapshot } from "#tools/bench/snapshot.ts";
import { callsPerSecond, median, quantile, round } from "#tools/bench/statistics.ts";
import type { FigureTable } from "#tools/bench/tables.ts";
import type { Report } from "#tools/bench/target.ts";

/** A method is flagged by its throughput with this many concurrent calls. */
const CROWD = 64;
/** A method is flagged if its throughput with `CROWD` concurrent calls is less than this many times that of one call. */
export const LEAST_GAIN = 1.5;

/** The figures of one method with a number of concurrent calls. */
export interface CrowdLevel {
  inFlight: number;
  /** Calls that succeeded, per second. */
  callsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** Calls that failed in all rounds, such as after the time limit of a call. */
  failed: number;
}

export interface CrowdRow {
  method: string;
  levels: CrowdLevel[];
}

export interface CrowdOptions {
  /** Names of cases; null: all. */
  methods: readonly string[] | null;
  /** The numbers of concurrent calls, in ascending order. */
  inFlight: readonly number[];
  /** The least number of calls in one measurement. */
  calls: number;
  rounds: number;
}

/** Times every method with few and with many concurrent calls in one process. */
export async function measureCrowd(bench: BenchEnvironment, options: CrowdOptions): Promise<CrowdRow[]> {
  const rows: CrowdRow[] = [];
  const cases = CASES.filter(({ name }) => options.methods?.includes(name) ?? true);
  for (const measured of cases) rows.push(await measureCase(bench, measured, options));
  return rows;
}

/**
 * The least number of calls for each concurrent call. Fewer calls run concurrently at the end of a measurement, so it must
 * be long enough that its end has little weight.
 */
const CALLS_PER_LANE = 4;
const RECORDED = 4;

async function measureCase(
  bench: BenchEnvironment,
  measured: Case,
  { inFlight, calls: fewest, rounds }: Omit<CrowdOptions, "methods">,
): Promise<CrowdRow> {
  const callsOf = (lanes: number) => Math.max(fewest, CALLS_PER_LANE * lanes);
  const place = await bench.openDatabase("crowd");
  try {
    const filled = await fillDatabase(bench, place, Math.max(...inFlight.map(callsOf)));
    const prepare = await prepareAll(filled, measured);
    const snapshot = await takeSnapshot(place.database);
    const written = writtenCollections(await recordCalls(place, prepare().slice(0, RECORDED)));
    const runner = await Runner.open("nest", place.environment);
    try {
      const reports = new Map<number, Report[]>(inFlight.map((lanes) => [lanes, []]));
      for (let turn = -1; turn < rounds; turn++)
        for (const lanes of turn % 2 === 0 ? inFlight : inFlight.toReversed()) {
          await snapshot.restore(written);
          const report = await runner.run(prepare().slice(0, callsOf(lanes)), lanes);
          if (turn >= 0) reports.get(lanes)?.push(report);
        }
      return {
        method: measured.name,
        levels: inFlight.map((lanes) => toLevel(lanes, reports.get(lanes) ?? [])),
      };
    } finally {
      await runner.close();
    }
  } finally {
    await place.drop();
  }
}

function toLevel(inFlight: number, reports: readonly Report[]): CrowdLevel {
  const latencies = reports.flatMap(({ latenciesMs }) => latenciesMs);
  const failedIn = ({ statuses }: Report) =>
    Object.entries(statuses).reduce((sum, [status, calls]) => sum + (Number(status) >= 300 ? calls : 0), 0);
  const rates = reports.map(
    (report) => callsPerSecond(report) * (1 - failedIn(report) / report.latenciesMs.length),
  );
  return {
    inFlight,
    callsPerSecond: round(median(rates), 3),
    p50Ms: round(quantile(latencies, 0.5), 3),
    p99Ms: round(quantile(latencies, 0.99), 3),
    failed: reports.reduce((sum, report) => sum + failedIn(report), 0),
  };
}

/**
 * The throughput with `CROWD` concurrent calls divided by that of one call at a time.
 * @returns `gain`, null if either level was not measured; both levels; and whether the gain is so small that the method is
 *   flagged
 */
export function gainOf({ levels }: CrowdRow) {
  const [one, many] = [1, CROWD].map((lanes) => levels.find(({ inFlight }) => inFlight === lanes));
  const gain = one && many ? round(many.callsPerSecond / one.callsPerSecond, 3) : null;
  return { gain, one, many, isFlagged: gain !== null && gain < LEAST_GAIN };
}

export function describeCrowd(rows: readonly CrowdRow[]): FigureTable {
  const lanes = rows[0]?.levels.map(({ inFlight }) => inFlight) ?? [];
  const flagged = rows.filter((row) => gainOf(row).isFlagged).map(({ method }) => method);
  return {
    title: "Concurrent calls",
    explanation: `Each method with a number of concurrent calls in one process, each user from a network of its own unless the method says
otherwise. "gain" is calls/s with ${CROWD} concurrent calls over calls/s with one (higher is better); a method with less than
${LEAST_GAIN} is flagged. On a machine with few cores the gain is small for any method whose calls keep the cores busy.`,
    rows: [
      [
        "method",
        ...lanes.map((count) => `calls/s, ${count}`),
        ...lanes.map((count) => `p99 ms, ${count}`),
        "failed",
        "gain",
        "target",
        "flag",
      ],
      ...rows.map((row) => {
        const { gain, isFlagged } = gainOf(row);
        return [
          row.method,
          ...row.levels.map((level) => level.callsPerSecond),
          ...row.levels.map((level) => level.p99Ms),
          row.levels.reduce((sum, { failed }) => sum + failed, 0),
          gain ?? "",
          LEAST_GAIN,
          isFlagged ? `below ${LEAST_GAIN}` : "",
        ];
      }),
    ],
    note:
      flagged.length > 0
        ? `Flagged, because ${CROWD} concurrent calls have less than ${LEAST_GAIN} times the throughput of one: ${flagged.join("; ")}.`
        : `No method is flagged: each has at least ${LEAST_GAIN} times the throughput with ${CROWD} concurrent calls.`,
  };
}
