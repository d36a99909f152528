import type { CpuProfile } from "#tools/bench/cpu_profile.ts";

/** A program whose calls are timed: Nest, its database commands alone, or another library. */
export interface Target<Call> {
  invoke(call: Call): Promise<Answer>;
  close(): Promise<void>;
}

export interface Answer {
  status: number;
  /** Values that later calls need. */
  [detail: string]: unknown;
}

/** Opens a target. Its settings are environment variables: connection strings, URLs, keys. */
export type OpenTarget<Call> = (settings: Record<string, string>) => Promise<Target<Call>>;

/** Modules that a runner can open. Each exports `openTarget`. */
export const TARGETS = {
  nest: "#tools/bench/targets/nest.ts",
  bare: "#tools/bench/targets/bare.ts",
  "better-auth": "#tools/bench/peers/better_auth.js",
} as const;
export type TargetName = keyof typeof TARGETS;

/** A message to a runner: the calls to make. */
export interface Order {
  calls: readonly unknown[];
  inFlight: number;
  /** Whether to return the responses, and not only their statuses. */
  withAnswers: boolean;
  /** Whether to measure the heap after the calls. */
  withHeap: boolean;
  /** Whether to profile the CPU during the calls. */
  withProfile: boolean;
}

export interface Report {
  wallMs: number;
  latenciesMs: number[];
  /** CPU milliseconds of this process per call. */
  cpuMsPerCall: number;
  statuses: Record<number, number>;
  answers: Answer[];
  /** Bytes of heap after garbage collection; null unless requested. */
  heapBytes: number | null;
  /** Null unless requested. */
  profile: CpuProfile | null;
}
