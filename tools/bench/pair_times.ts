import { callsPerSecond, median, quantile, round } from "#tools/bench/statistics.ts";
import type { Report } from "#tools/bench/target.ts";

/** Reports by target. The target `bare` sends the database commands of Nest's calls through the driver alone. */
export type PairReports = Record<"nest" | "peer" | "bare", Report[]>;

/** Medians of all rounds. */
export function timesOf({ nest, peer, bare }: PairReports) {
  const p50 = (reports: readonly Report[]) =>
    round(
      quantile(
        reports.flatMap(({ latenciesMs }) => latenciesMs),
        0.5,
      ),
      3,
    );
  const cpu = (reports: readonly Report[]) =>
    round(median(reports.map(({ cpuMsPerCall }) => cpuMsPerCall)), 3);
  const overPeer = (reports: readonly Report[]) =>
    round(
      median(reports.map((report, turn) => callsPerSecond(report) / callsPerSecond(peer[turn] as Report))),
      3,
    );
  return {
    callsPerSecond: round(median(nest.map(callsPerSecond)), 3),
    p50Ms: p50(nest),
    peerCallsPerSecond: round(median(peer.map(callsPerSecond)), 3),
    peerP50Ms: p50(peer),
    cpuMs: cpu(nest),
    peerCpuMs: cpu(peer),
    times: overPeer(nest),
    floorTimes: bare.length === 0 ? null : overPeer(bare),
  };
}
