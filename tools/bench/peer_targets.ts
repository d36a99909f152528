import type { FlowName } from "#tools/bench/peer_flows.ts";

/** Targets for Nest's calls/s divided by better-auth's, by the milliseconds added to each round trip to the database. */
const TARGETS: Readonly<Record<FlowName, Readonly<Record<number, number>>>> = {
  "request a link": { 0: 1, 1: 1.2, 5: 1.3 },
  "redeem the link": { 0: 1.4, 1: 1.7, 5: 2 },
  "refresh the session": { 0: 1.4, 1: 1.4, 5: 1.5 },
  "get the user": { 0: 2, 1: 2.8, 5: 3.2 },
  "subscription status": { 0: 2 },
};

/** What a target depends on. */
interface Compared {
  flow: FlowName;
  /** Milliseconds that the benchmark adds to each round trip to the database. */
  addedMs: number;
  /** better-auth's rate limit. */
  limits: "database" | "off";
}

/**
 * The target of a comparison with better-auth; null: none.
 * Targets require the rate limit on both sides, since Nest always has its limits.
 */
export function targetOf({ flow, addedMs, limits }: Compared): number | null {
  return limits === "off" ? null : (TARGETS[flow][addedMs] ?? null);
}

/** Whether a ratio meets its target: `yes`, `no`, or empty without a target. */
export const isMet = (ratio: number, target: number | null) =>
  target === null ? "" : ratio >= target ? "yes" : "no";

/**
 * What the ratio approaches as the network latency to the database grows. better-auth sends its commands one after another,
 * so the time of a call grows with its commands; that of Nest grows with its round trips.
 */
export const ratioAtHighLatency = ({ peerCommands, trips }: { peerCommands: number; trips: number }) =>
  Number((peerCommands / trips).toFixed(1));
