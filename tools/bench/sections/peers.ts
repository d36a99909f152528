import { CASES, type Case } from "#tools/bench/cases.ts";
import type { BenchDatabase, BenchEnvironment } from "#tools/bench/environment.ts";
import { fillDatabase, prepareAll } from "#tools/bench/fill_database.ts";
import { FLOWS, type Flow, type Member, signUp } from "#tools/bench/peer_flows.ts";
import { recordCalls } from "#tools/bench/recording.ts";
import { Runner } from "#tools/bench/runner.ts";
import { takeSnapshot } from "#tools/bench/snapshot.ts";
import { median, quantile, round } from "#tools/bench/statistics.ts";
import type { FigureTable } from "#tools/bench/tables.ts";
import type { Report } from "#tools/bench/target.ts";
import type { IncomingCall } from "#tools/local/gateway.ts";

/** Target for `times`. */
const BUDGET = 3;

export interface PeerRow {
  flow: string;
  /** better-auth's rate limit: in the database, as Nest's, or off. */
  limits: "database" | "off";
  inFlight: number;
  callsPerSecond: number;
  p50Ms: number;
  peerCallsPerSecond: number;
  peerP50Ms: number;
  /** CPU milliseconds per call. */
  cpuMs: number;
  peerCpuMs: number;
  /** Database commands per call of Nest and of better-auth. */
  commands: number;
  peerCommands: number;
  /** Calls per second over better-auth's; the median of all rounds. */
  times: number;
  budget: number;
}

export interface PeerOptions {
  /** Settings of better-auth's rate limit to measure. */
  limits: readonly PeerRow["limits"][];
  inFlight: readonly number[];
  calls: number;
  rounds: number;
}

/** Times the flows that Nest and better-auth share, alternately, on the same database server. */
export async function measurePeers(bench: BenchEnvironment, options: PeerOptions): Promise<PeerRow[]> {
  const rows: PeerRow[] = [];
  for (const limits of options.limits)
    for (const flow of FLOWS) rows.push(...(await measureFlow(bench, flow, limits, options)));
  return rows;
}

async function measureFlow(
  bench: BenchEnvironment,
  flow: Flow,
  limits: PeerRow["limits"],
  { inFlight, calls: count, rounds }: PeerOptions,
): Promise<PeerRow[]> {
  const ours = await bench.openDatabase("ours");
  const theirs = await bench.openDatabase("theirs");
  const measured = CASES.find(({ name }) => name === flow.nest) as Case;
  const prepare = await prepareAll(await fillDatabase(bench, ours, count), measured);
  const snapshot = await takeSnapshot(ours.database);
  const nest = await Runner.open("nest", ours.environment);
  const settings = {
    MONGODB_URI: theirs.uri,
    MAIL_URL: bench.mailUrl,
    LIMITS: limits,
    RENEWS: flow.renews ? "always" : "daily",
  };
  const peer = await Runner.open("better-auth", settings);
  try {
    const members = await signUp(peer, count);
    const commands = await countCommands(ours, prepare(), {
      flow,
      members: members.slice(0, COUNTED),
      settings,
    });
    const rows: PeerRow[] = [];
    for (const lanes of inFlight) {
      const reports: Record<"nest" | "peer", Report[]> = { nest: [], peer: [] };
      for (let turn = -1; turn < rounds; turn++) {
        await snapshot.restore(snapshot.collections);
        const calls = { nest: prepare(), peer: await flow.peer(peer, members) };
        for (const who of turn % 2 === 0 ? (["nest", "peer"] as const) : (["peer", "nest"] as const)) {
          const report = await { nest, peer }[who].run(calls[who], lanes);
          if (Object.keys(report.statuses).some((status) => Number(status) >= 300))
            throw new Error(`${flow.name}: ${who} failed (${JSON.stringify(report.statuses)}).`);
          if (turn >= 0) reports[who].push(report);
        }
      }
      rows.push({ ...toRow(flow, limits, lanes, reports), ...commands });
    }
    return rows;
  } finally {
    await nest.close();
    await peer.close();
    await ours.drop();
    await theirs.drop();
  }
}

const COUNTED = 8;

/** Counts the database commands of one call of each. */
async function countCommands(
  ours: BenchDatabase,
  calls: readonly IncomingCall[],
  { flow, members, settings }: { flow: Flow; members: readonly Member[]; settings: Record<string, string> },
): Promise<Pick<PeerRow, "commands" | "peerCommands">> {
  const recorded = await recordCalls(ours, calls.slice(0, members.length));
  const peer = await Runner.open("better-auth", { ...settings, COUNTS: "yes" });
  try {
    const { answers } = await peer.run(await flow.peer(peer, members), 1, { withAnswers: true });
    return {
      commands: median(recorded.map((trips) => trips.flat().length)),
      peerCommands: median(answers.map(({ commands }) => Number(commands))),
    };
  } finally {
    await peer.close();
  }
}

function toRow(
  { name }: Flow,
  limits: PeerRow["limits"],
  inFlight: number,
  { nest, peer }: Record<"nest" | "peer", readonly Report[]>,
): Omit<PeerRow, "commands" | "peerCommands"> {
  const rate = ({ latenciesMs, wallMs }: Report) => (1000 * latenciesMs.length) / wallMs;
  const p50 = (reports: readonly Report[]) =>
    round(
      quantile(
        reports.flatMap(({ latenciesMs }) => latenciesMs),
        0.5,
      ),
      3,
    );
  return {
    flow: name,
    limits,
    inFlight,
    callsPerSecond: round(median(nest.map(rate)), 3),
    p50Ms: p50(nest),
    peerCallsPerSecond: round(median(peer.map(rate)), 3),
    peerP50Ms: p50(peer),
    cpuMs: round(median(nest.map(({ cpuMsPerCall }) => cpuMsPerCall)), 3),
    peerCpuMs: round(median(peer.map(({ cpuMsPerCall }) => cpuMsPerCall)), 3),
    times: round(median(nest.map((report, turn) => rate(report) / rate(peer[turn] as Report))), 3),
    budget: BUDGET,
  };
}

export function describePeers(rows: readonly PeerRow[]): FigureTable {
  return {
    title: "Comparison with better-auth",
    explanation: `The flows that Nest shares with better-auth 1.7.6 (MongoDB adapter, magic link and Stripe plugins), alternately on the same
database server. "times" is Nest's calls/s over better-auth's. The database has no transactions, so better-auth's are off. Its
mail is one unsigned request. "commands" are the database commands of one call.`,
    rows: [
      [
        "flow",
        "rate limit",
        "concurrent",
        "Nest: calls/s",
        "p50 ms",
        "commands",
        "CPU ms",
        "better-auth: calls/s",
        "p50 ms",
        "commands",
        "CPU ms",
        "times",
        "wanted",
        "met",
      ],
      ...rows.map((row) => [
        row.flow,
        row.limits,
        row.inFlight,
        row.callsPerSecond,
        row.p50Ms,
        row.commands,
        row.cpuMs,
        row.peerCallsPerSecond,
        row.peerP50Ms,
        row.peerCommands,
        row.peerCpuMs,
        row.times,
        row.budget,
        row.times >= row.budget ? "yes" : "no",
      ]),
    ],
  };
}
