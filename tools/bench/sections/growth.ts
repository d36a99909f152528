import { CASES, type Case } from "#tools/bench/cases.ts";
import type { BenchDatabase, BenchEnvironment } from "#tools/bench/environment.ts";
import { numbers } from "#tools/bench/fill_database.ts";
import { explainQueries, type Plan } from "#tools/bench/query_plans.ts";
import { recordCalls } from "#tools/bench/recording.ts";
import { Runner } from "#tools/bench/runner.ts";
import { median, round } from "#tools/bench/statistics.ts";
import type { FigureTable } from "#tools/bench/tables.ts";
import { insertUsers } from "#tools/bench/users.ts";
import type { IncomingCall } from "#tools/local/gateway.ts";

/** Target: the median with the most users, over the median with the fewest. */
const BUDGET = 1.2;
/**
 * Without news and a single network, which do not grow with users, and without webhooks and trials, which mostly wait for
 * Stripe.
 */
const MEASURED = CASES.filter(({ name }) => !/news|one network|webhook|trial/.test(name));
/** News items are few and are read whole. */
const WITHOUT_INDEX = ["news-items"];

export interface GrowthRow {
  method: string;
  /** Median by number of users. */
  p50Ms: Record<number, number>;
  trips: Record<number, number>;
  /** The p50 with the most users over the p50 with the fewest; the median of all rounds. */
  growth: number;
  budget: number;
  /** Queries without an index, with the most users. */
  unindexed: string[];
  plans: Plan[];
}

export interface GrowthOptions {
  /** Numbers of users, in ascending order. */
  users: readonly number[];
  /** Calls per method, size and round. */
  calls: number;
  rounds: number;
}

interface Place {
  size: number;
  place: BenchDatabase;
  runner: Runner;
}

/** Times every method alternately on databases with few and with many users. */
export async function measureGrowth(bench: BenchEnvironment, options: GrowthOptions): Promise<GrowthRow[]> {
  const places: Place[] = [];
  try {
    for (const size of options.users) places.push(await fill(bench, size));
    const rows: GrowthRow[] = [];
    for (const [index, measured] of MEASURED.entries())
      rows.push(await measureCase(bench, { measured, order: index }, places, options));
    return rows;
  } finally {
    for (const { place, runner } of places) {
      await runner.close();
      await place.drop();
    }
  }
}

async function fill(bench: BenchEnvironment, size: number): Promise<Place> {
  const place = await bench.openDatabase(`growth-${size}`);
  await insertUsers(place.database, size, FILLED_AT);
  return { size, place, runner: await Runner.open("nest", place.environment) };
}

/** The same time for all sizes, so that a user has the same tokens in each. */
const FILLED_AT = new Date();

async function measureCase(
  { stripe, secrets }: BenchEnvironment,
  { measured, order }: { measured: Case; order: number },
  places: readonly Place[],
  { calls: count, rounds }: GrowthOptions,
): Promise<GrowthRow> {
  const times: Record<number, number[]> = {};
  const trips: Record<number, number> = {};
  let plans: Plan[] = [];
  for (const { size, place } of places) {
    // Each round and method uses other users, since some calls use up a token or a link.
    const recorded = await recordCalls(place, await callsOf(place, count * (rounds + 1), RECORDED));
    // The first call of a process is slow between its commands, which looks like more round trips.
    trips[size] = Math.min(...recorded.map((call) => call.length));
    plans = await explainQueries(place.database, recorded);
  }
  for (let turn = -1; turn < rounds; turn++) {
    const from = count * (turn + 1);
    for (const { size, place, runner } of turn % 2 === 0 ? places : [...places].reverse()) {
      const report = await runner.run(await callsOf(place, from, count), 1);
      if (Object.keys(report.statuses).some((status) => Number(status) >= 300))
        throw new Error(
          `${measured.name}, ${size} users: calls failed (${JSON.stringify(report.statuses)}).`,
        );
      if (turn >= 0) times[size] = [...(times[size] ?? []), median(report.latenciesMs)];
    }
  }
  const [fewest, most] = [places[0]?.size ?? 0, places.at(-1)?.size ?? 0];
  return {
    method: measured.name,
    p50Ms: Object.fromEntries(Object.entries(times).map(([size, all]) => [size, round(median(all), 3)])),
    trips,
    growth: round(
      median(numbers(rounds).map((turn) => (times[most]?.[turn] ?? 0) / (times[fewest]?.[turn] ?? 1))),
      3,
    ),
    budget: BUDGET,
    unindexed: plans
      .filter(({ query, index }) => index === null && !WITHOUT_INDEX.includes(query.split(" ")[0] ?? ""))
      .map(({ query }) => query),
    plans,
  };

  async function callsOf(place: BenchDatabase, from: number, many: number): Promise<IncomingCall[]> {
    const filled = {
      ...{ database: place.database, stripe, secrets, now: FILLED_AT },
      atStripe: [],
      issuer: place.environment.ISSUER ?? "",
    };
    const first = order * usersOfCase(count, rounds) + from;
    return (
      await measured.prepare(
        filled,
        numbers(many).map((number) => first + number),
      )
    )();
  }
}

const RECORDED = 4;

/** How many users a method needs, for all rounds and for the recording. */
const usersOfCase = (calls: number, rounds: number) => calls * (rounds + 1) + RECORDED;

/** The smallest number of users for these options. */
export const leastUsers = ({ calls, rounds }: Pick<GrowthOptions, "calls" | "rounds">) =>
  MEASURED.length * usersOfCase(calls, rounds);

export function describeGrowth(rows: readonly GrowthRow[]): FigureTable {
  const sizes = Object.keys(rows[0]?.p50Ms ?? {});
  return {
    title: "Growth",
    explanation: `One call at a time with few and with many users in the database, each with a session, tokens, a link and a subscription.
"growth" is the p50 with the most users over the p50 with the fewest. Every query must use an index.`,
    rows: [
      [
        "method",
        "trips",
        ...sizes.map((size) => `p50 ms, ${Number(size).toLocaleString("en")}`),
        "growth",
        "target",
        "met",
        "without an index",
      ],
      ...rows.map((row) => [
        row.method,
        [...new Set(Object.values(row.trips))].join(" / "),
        ...sizes.map((size) => row.p50Ms[Number(size)] ?? ""),
        row.growth,
        row.budget,
        row.growth <= row.budget ? "yes" : "no",
        row.unindexed.join("; ") || "none",
      ]),
    ],
  };
}
