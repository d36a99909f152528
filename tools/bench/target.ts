/** A program whose calls are timed: Nest, its database commands alone, or another library. */
export interface Target<Call> {
  invoke(call: Call): Promise<Answer>;
  close(): Promise<void>;
}

export interface Answer {
  status: number;
  /** What a later call needs of it. */
  [detail: string]: unknown;
}

/** The settings are an environment: connection strings, URLs, keys. */
export type OpenTarget<Call> = (settings: Record<string, string>) => Promise<Target<Call>>;

/** The modules that a runner can open; each exports `openTarget`. */
export const TARGETS = {
  nest: "#tools/bench/targets/nest.ts",
  bare: "#tools/bench/targets/bare.ts",
  "better-auth": "#tools/bench/peers/better_auth.js",
} as const;
export type TargetName = keyof typeof TARGETS;

/** What a runner is told to do. */
export interface Order {
  calls: readonly unknown[];
  inFlight: number;
  /** Whether the answers are wanted, or only their statuses. */
  withAnswers: boolean;
  /** Whether the heap is to be measured after them. */
  withHeap: boolean;
}

export interface Report {
  wallMs: number;
  latenciesMs: number[];
  /** What this process computed for each call, in milliseconds of a processor. */
  cpuMsPerCall: number;
  statuses: Record<number, number>;
  answers: Answer[];
  /** Bytes after a collection of garbage; null unless asked. */
  heapBytes: number | null;
}
