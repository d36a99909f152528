import type { BenchEnvironment } from "#tools/bench/environment.ts";
import { peerVersion } from "#tools/bench/peer_packages.ts";
import { measurePairs, type PairOptions, type PairRow } from "#tools/bench/peer_pairs.ts";
import { isMet, targetOf } from "#tools/bench/peer_targets.ts";
import type { FigureTable } from "#tools/bench/tables.ts";

export interface PeersResult {
  /** The version of better-auth. */
  version: string;
  rows: PairRow[];
}

/** Times the flows that Nest and better-auth share, without added network latency. */
export const measurePeers = async (bench: BenchEnvironment, options: PairOptions): Promise<PeersResult> => ({
  version: peerVersion(),
  rows: await measurePairs(bench, options),
});

/** The heading and the columns of a comparison with better-auth, without those of its setting. */
export const PAIR_HEADING = [
  "Nest: calls/s",
  "p50 ms",
  "commands",
  "trips",
  "CPU ms",
  "better-auth: calls/s",
  "p50 ms",
  "commands",
  "CPU ms",
  "times",
  "target",
  "met",
  "driver alone",
] as const;

export function pairColumns(row: PairRow): (string | number)[] {
  const target = targetOf(row);
  return [
    row.callsPerSecond,
    row.p50Ms,
    row.commands,
    row.trips,
    row.cpuMs,
    row.peerCallsPerSecond,
    row.peerP50Ms,
    row.peerCommands,
    row.peerCpuMs,
    row.times,
    target ?? "",
    isMet(row.times, target),
    row.floorTimes ?? "",
  ];
}

export function describePeers({ version, rows }: PeersResult): FigureTable {
  return {
    title: "Comparison with better-auth",
    explanation: `The flows that Nest shares with better-auth ${version} (MongoDB adapter, magic link and Stripe plugins), alternately on the
same database server, without a network between. "times" is Nest's calls/s over better-auth's (higher is better). "commands"
and "trips" are the database commands and round trips of one call. "networks": whether each user calls from a network of its
own, since both products count calls per network. Better-auth's mail is one unsigned request. "driver alone" is "times" for
the database commands of Nest's calls, replayed through the bare driver: apart from noise, the highest "times" that Nest's code
could reach.`,
    rows: [
      ["flow", "rate limit", "networks", "concurrent", ...PAIR_HEADING],
      ...rows.map((row) => [row.flow, row.limits, row.networks, row.inFlight, ...pairColumns(row)]),
    ],
  };
}
