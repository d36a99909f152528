import { CASES, type Case, ONE_IP } from "#tools/bench/cases.ts";
import type { DelayProxy } from "#tools/bench/delay_proxy.ts";
import type { BenchDatabase, BenchEnvironment } from "#tools/bench/environment.ts";
import { fillDatabase, ipOf, prepareAll } from "#tools/bench/fill_database.ts";
import { type PairReports, timesOf } from "#tools/bench/pair_times.ts";
import {
  FLOWS,
  type Flow,
  type FlowName,
  type Member,
  type PeerCall,
  signUp,
} from "#tools/bench/peer_flows.ts";
import { PEER_INDEXES, peerOptions } from "#tools/bench/peer_settings.ts";
import { recordCalls } from "#tools/bench/recording.ts";
import { Runner } from "#tools/bench/runner.ts";
import { takeSnapshot } from "#tools/bench/snapshot.ts";
import { median } from "#tools/bench/statistics.ts";
import type { IncomingCall } from "#tools/local/gateway.ts";

/** How callers and better-auth's rate limit are set up. */
export interface PairSetting {
  /** better-auth's rate limit: in the database, as Nest's, or off. */
  limits: "database" | "off";
  /** Whether each user calls from a network of its own, or all from one. */
  networks: "distinct" | "one";
}

/** The figures of Nest and better-auth for one flow, measured in the same rounds. */
export interface PairRow extends PairSetting {
  flow: FlowName;
  /** Milliseconds of round trip that were added in front of the database. */
  addedMs: number;
  inFlight: number;
  callsPerSecond: number;
  p50Ms: number;
  peerCallsPerSecond: number;
  peerP50Ms: number;
  /** CPU milliseconds per call. */
  cpuMs: number;
  peerCpuMs: number;
  /** Database commands and round trips of one call of Nest, and commands of better-auth. */
  commands: number;
  trips: number;
  peerCommands: number;
  /** Calls per second over better-auth's; the median of all rounds. */
  times: number;
  /**
   * As `times`, for the bare database commands of Nest's calls: the highest ratio that Nest's code could reach. Null if
   * better-auth's rate limit is off.
   */
  floorTimes: number | null;
}

export interface PairOptions {
  /** Null: all. */
  flows: readonly FlowName[] | null;
  settings: readonly PairSetting[];
  inFlight: readonly number[];
  calls: number;
  rounds: number;
}

/** A proxy in front of the database, and the milliseconds that it adds to a round trip, one after another. */
interface AddedLatency {
  proxy: DelayProxy;
  addedMs: readonly number[];
}

/**
 * Times the flows that Nest and better-auth share, alternately, on the same database server.
 * @param latency null: the functions connect to the database without a proxy
 */
export async function measurePairs(
  bench: BenchEnvironment,
  options: PairOptions,
  latency: AddedLatency | null = null,
): Promise<PairRow[]> {
  const flows = FLOWS.filter(({ name }) => options.flows?.includes(name) ?? true);
  const rows: PairRow[] = [];
  for (const setting of options.settings)
    for (const flow of flows) rows.push(...(await measureFlow(bench, { flow, setting }, options, latency)));
  return rows;
}

async function measureFlow(
  bench: BenchEnvironment,
  { flow, setting }: { flow: Flow; setting: PairSetting },
  { inFlight, calls: count, rounds }: Pick<PairOptions, "inFlight" | "calls" | "rounds">,
  latency: AddedLatency | null,
): Promise<PairRow[]> {
  const ours = await bench.openDatabase("ours", latency?.proxy.port);
  const theirs = await bench.openDatabase("theirs", latency?.proxy.port);
  const measured = CASES.find(({ name }) => name === flow.nest) as Case;
  const prepare = await prepareAll(await fillDatabase(bench, ours, count), measured);
  const snapshot = await takeSnapshot(ours.database);
  const settings = peerEnvironment(theirs, bench.mailUrl, flow, setting);
  const nest = await Runner.open("nest", ours.environment);
  const peer = await Runner.open("better-auth", settings);
  const bare = await Runner.open("bare", { MONGODB_URI: ours.uri });
  const place = <Call extends IncomingCall | PeerCall>(calls: readonly Call[]) =>
    calls.map((call, number) => ({ ...call, ip: setting.networks === "one" ? ONE_IP : ipOf(number) }));
  try {
    const members = await signUp(peer, count);
    const hasFloor = setting.limits === "database";
    // A second recording would find links that the first has redeemed.
    const recorded = await recordCalls(ours, place(prepare()).slice(0, hasFloor ? count : COUNTED));
    const peerCommands = await countPeerCommands(flow, members.slice(0, COUNTED), settings);
    const rows: PairRow[] = [];
    for (const addedMs of latency?.addedMs ?? [0])
      for (const lanes of inFlight) {
        const reports: PairReports = { nest: [], peer: [], bare: [] };
        for (let turn = -1; turn < rounds; turn++) {
          await snapshot.restore(snapshot.collections);
          const calls = { nest: place(prepare()), peer: place(await flow.peer(peer, members)) };
          if (latency) latency.proxy.delayMs = addedMs;
          for (const who of turn % 2 === 0 ? (["nest", "peer"] as const) : (["peer", "nest"] as const)) {
            const report = await { nest, peer }[who].run(calls[who], lanes);
            if (Object.keys(report.statuses).some((status) => Number(status) >= 300))
              throw new Error(`${flow.name}: ${who} failed (${JSON.stringify(report.statuses)}).`);
            if (turn >= 0) reports[who].push(report);
          }
          if (hasFloor) {
            if (latency) latency.proxy.delayMs = 0;
            await snapshot.restore(snapshot.collections);
            if (latency) latency.proxy.delayMs = addedMs;
            const report = await bare.run(recorded, lanes);
            if (turn >= 0) reports.bare.push(report);
          }
          if (latency) latency.proxy.delayMs = 0;
        }
        rows.push({
          flow: flow.name,
          ...setting,
          addedMs,
          inFlight: lanes,
          ...timesOf(reports),
          commands: median(recorded.map((trips) => trips.flat().length)),
          trips: median(recorded.map((trips) => trips.length)),
          peerCommands,
        });
      }
    return rows;
  } finally {
    await nest.close();
    await peer.close();
    await bare.close();
    await ours.drop();
    await theirs.drop();
  }
}

const peerEnvironment = (
  { uri }: BenchDatabase,
  mailUrl: string,
  { renews }: Flow,
  { limits }: PairSetting,
): Record<string, string> => {
  const uses = [
    ...(limits === "off" ? ["limits off" as const] : []),
    ...(renews ? ["refresh" as const] : []),
  ];
  return {
    MONGODB_URI: uri,
    MAIL_URL: mailUrl,
    OPTIONS: JSON.stringify(peerOptions(uses)),
    INDEXES: JSON.stringify(PEER_INDEXES),
  };
};

const COUNTED = 8;

/** Counts the database commands of one call of better-auth. */
async function countPeerCommands(
  flow: Flow,
  members: readonly Member[],
  settings: Record<string, string>,
): Promise<number> {
  const peer = await Runner.open("better-auth", { ...settings, COUNTS: "yes" });
  try {
    const { answers } = await peer.run(await flow.peer(peer, members), 1, { withAnswers: true });
    return median(answers.map(({ commands }) => Number(commands)));
  } finally {
    await peer.close();
  }
}
