import type { FlowName } from "#tools/bench/peer_flows.ts";

/** Targets for Nest's calls/s over better-auth's, by the round trip that is added between function and database. */
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
  /** Milliseconds of round trip that the benchmark adds. */
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
 * What the ratio approaches as the distance to the database grows: better-auth sends its commands one after another, so its
 * time becomes that of its commands, and Nest's that of its round trips.
 */
export const ratioAtDistance = ({ peerCommands, trips }: { peerCommands: number; trips: number }) =>
  Number((peerCommands / trips).toFixed(1));
