import { CASES, type Case, type Ground } from "#bench/cases.ts";
import { type AtStripe, insertPeople, personOf } from "#bench/people.ts";
import { recordTrips, type Trips, writtenCollections } from "#bench/recording.ts";
import { Runner } from "#bench/runner.ts";
import { takeSnapshot } from "#bench/snapshot.ts";
import { median, quantile, round } from "#bench/statistics.ts";
import type { BenchDatabase, Surroundings } from "#bench/surroundings.ts";
import { printHeading, printTable } from "#bench/tables.ts";
import type { Report } from "#bench/target.ts";
import { type IncomingCall, openGateway } from "#local/gateway.ts";

export interface ThroughputRow {
  method: string;
  trips: number;
  commands: number;
  /** How many calls are under way at a time, in one process. */
  inFlight: number;
  callsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** The bare driver calls of the same calls, in the same rounds. */
  bareCallsPerSecond: number;
  bareP50Ms: number;
  /** The median of the rounds' calls a second over those of the bare calls. */
  share: number;
  /** At least this; null where none is set. */
  budget: number | null;
}

export interface ThroughputOptions {
  inFlight: readonly number[];
  /** Calls of a round. */
  calls: number;
  rounds: number;
}

/** The least share of the bare driver calls, of the methods that have one. */
const BUDGETS: Readonly<Record<string, number>> = {
  send_magic_link: 0.75,
  "authenticate_user, refresh": 0.7,
  "get_subscription_status 2020-12-14": 0.7,
  "get_subscription_status 2021-10-06": 0.7,
};

/** Times every method through its real handler, over the bare driver calls that it makes. */
export async function measureThroughput(
  surroundings: Surroundings,
  options: ThroughputOptions,
): Promise<ThroughputRow[]> {
  const rows: ThroughputRow[] = [];
  for (const measured of CASES) rows.push(...(await measureCase(surroundings, measured, options)));
  return rows;
}

async function measureCase(
  surroundings: Surroundings,
  measured: Case,
  { inFlight, calls: count, rounds }: ThroughputOptions,
): Promise<ThroughputRow[]> {
  const place = await surroundings.openDatabase("throughput");
  try {
    const prepare = await fillAndPrepare(surroundings, place, measured, count);
    const snapshot = await takeSnapshot(place.database);
    const recorded = await recordCalls(place, prepare());
    const restore = () => snapshot.restore(writtenCollections(recorded));
    const runners = {
      nest: await Runner.open("nest", place.environment),
      bare: await Runner.open("bare", { MONGODB_URI: place.uri }),
    };
    const run = async (target: "nest" | "bare", lanes: number) => {
      await restore();
      return runners[target].run(target === "nest" ? prepare() : recorded, lanes);
    };
    try {
      const rows: ThroughputRow[] = [];
      for (const lanes of inFlight) {
        const reports: Record<"nest" | "bare", Report[]> = { nest: [], bare: [] };
        for (let turn = -1; turn < rounds; turn++) {
          for (const target of turn % 2 === 0 ? (["nest", "bare"] as const) : (["bare", "nest"] as const)) {
            const report = await run(target, lanes);
            requireSuccess(measured.name, report);
            if (turn >= 0) reports[target].push(report);
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

/** People in the database and at Stripe, and the calls that they make. */
async function fillAndPrepare(
  { stripe, secrets }: Surroundings,
  place: BenchDatabase,
  measured: Case,
  count: number,
): Promise<() => IncomingCall[]> {
  const people = Array.from({ length: count }, (_, number) => number);
  const now = new Date();
  const atStripe: AtStripe[] = people.map((number) =>
    stripe.createSubscription({ email: personOf(number).address }),
  );
  await insertPeople(place.database, count, now, atStripe);
  const ground: Ground = {
    ...{ database: place.database, stripe, atStripe, secrets, now },
    issuer: place.environment.ISSUER ?? "",
  };
  return measured.prepare(ground, people);
}

/** Makes each call once, alone, and keeps what it asked of the database. */
async function recordCalls(place: BenchDatabase, calls: readonly IncomingCall[]): Promise<Trips[]> {
  const gateway = await openGateway(place.environment, { monitorCommands: true, write: () => undefined });
  try {
    const recorded: Trips[] = [];
    // A first call opens connections, which would look like trips.
    const [first] = calls;
    if (first) await gateway.invoke({ ...first, body: Buffer.from("{}") });
    for (const call of calls)
      recorded.push(await recordTrips(gateway.mongo.client, () => gateway.invoke(call)));
    return recorded;
  } finally {
    await gateway.close();
  }
}

function requireSuccess(name: string, { statuses }: Report): void {
  const failed = Object.keys(statuses).filter((status) => Number(status) >= 300);
  if (failed.length > 0)
    throw new Error(`${name}: calls that were timed failed (${JSON.stringify(statuses)}).`);
}

function toRow(
  method: string,
  recorded: readonly Trips[],
  inFlight: number,
  { nest, bare }: Record<"nest" | "bare", readonly Report[]>,
): ThroughputRow {
  const rate = ({ latenciesMs, wallMs }: Report) => (1000 * latenciesMs.length) / wallMs;
  const latencies = nest.flatMap(({ latenciesMs }) => latenciesMs);
  return {
    method,
    trips: median(recorded.map((trips) => trips.length)),
    commands: median(recorded.map((trips) => trips.flat().length)),
    inFlight,
    callsPerSecond: round(median(nest.map(rate)), 3),
    p50Ms: round(quantile(latencies, 0.5), 3),
    p99Ms: round(quantile(latencies, 0.99), 3),
    bareCallsPerSecond: round(median(bare.map(rate)), 3),
    bareP50Ms: round(median(bare.flatMap(({ latenciesMs }) => latenciesMs)), 3),
    share: round(median(nest.map((report, index) => rate(report) / rate(bare[index] as Report))), 3),
    budget: BUDGETS[method] ?? null,
  };
}

export function printThroughput(rows: readonly ThroughputRow[]): void {
  printHeading(
    "CALLS A SECOND",
    `Each method through its real handler on the real database, with so many calls under way in one process. "share" is that
over the bare driver calls of the same calls, with the same documents in the same order of trips, in the same rounds.`,
  );
  printTable([
    [
      "method",
      "trips",
      "commands",
      "in flight",
      "calls/s",
      "p50 ms",
      "p99 ms",
      "bare calls/s",
      "bare p50",
      "share",
      "budget",
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
      row.share,
      row.budget ?? "",
      row.budget === null ? "" : row.share >= row.budget ? "yes" : "no",
    ]),
  ]);
}
