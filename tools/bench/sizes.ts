import type { GrowthOptions } from "#tools/bench/sections/growth.ts";
import type { PeerOptions } from "#tools/bench/sections/peers.ts";
import type { StorageOptions } from "#tools/bench/sections/storage.ts";
import type { ThroughputOptions } from "#tools/bench/sections/throughput.ts";

/** The sizes of a run. */
export interface Sizes {
  load: { rounds: number };
  throughput: ThroughputOptions;
  peers: PeerOptions;
  growth: GrowthOptions;
  memory: { calls: number };
  storage: StorageOptions;
}

/** The sizes of the figures in the docs. */
export const NORMAL: Sizes = {
  load: { rounds: 15 },
  throughput: { inFlight: [1, 8, 64], calls: 256, rounds: 3 },
  peers: { limits: ["database", "off"], inFlight: [1, 8, 64], calls: 128, rounds: 3 },
  growth: { users: [1_500, 100_000], calls: 10, rounds: 8 },
  memory: { calls: 100_000 },
  storage: { machines: 1_000, writtenDays: 7 },
};

/** Adds a million users, which takes minutes to insert and gigabytes of disk. */
export const FULL: Sizes = { ...NORMAL, growth: { ...NORMAL.growth, users: [1_500, 100_000, 1_000_000] } };

/** Small sizes for CI, which checks that the benchmark runs. Its figures mean little. */
export const SHORT: Sizes = {
  load: { rounds: 1 },
  throughput: { inFlight: [8], calls: 16, rounds: 1 },
  peers: { limits: ["database"], inFlight: [8], calls: 8, rounds: 1 },
  growth: { users: [200, 400], calls: 2, rounds: 2 },
  memory: { calls: 1_000 },
  storage: { machines: 10, writtenDays: 2 },
};
