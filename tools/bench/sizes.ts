import type { PairOptions } from "#tools/bench/peer_pairs.ts";
import type { CrowdOptions } from "#tools/bench/sections/crowd.ts";
import type { GrowthOptions } from "#tools/bench/sections/growth.ts";
import type { NetworkOptions } from "#tools/bench/sections/network.ts";
import type { StorageOptions } from "#tools/bench/sections/storage.ts";
import type { ThroughputOptions } from "#tools/bench/sections/throughput.ts";

/** The sizes of a run. */
export interface Sizes {
  load: { rounds: number };
  throughput: ThroughputOptions;
  peers: PairOptions;
  network: NetworkOptions;
  crowd: CrowdOptions;
  growth: GrowthOptions;
  memory: { calls: number };
  storage: StorageOptions;
  console: { rounds: number };
}

const AS_NEST = { limits: "database", networks: "distinct" } as const;

/** The sizes of the figures in the docs. */
export const NORMAL: Sizes = {
  load: { rounds: 15 },
  throughput: { inFlight: [1, 8, 64], calls: 256, rounds: 3 },
  peers: {
    flows: null,
    settings: [AS_NEST, { ...AS_NEST, networks: "one" }, { ...AS_NEST, limits: "off" }],
    inFlight: [1, 8, 64],
    calls: 256,
    rounds: 3,
  },
  network: { flows: null, settings: [AS_NEST], addedMs: [1, 5], inFlight: [1], calls: 48, rounds: 5 },
  crowd: { methods: null, inFlight: [1, 8, 64, 256], calls: 128, rounds: 3 },
  growth: { users: [1_500, 100_000], calls: 10, rounds: 8 },
  memory: { calls: 100_000 },
  storage: { machines: 1_000, writtenDays: 7 },
  console: { rounds: 15 },
};

/** Adds a million users, which takes minutes to insert and gigabytes of disk. */
export const FULL: Sizes = { ...NORMAL, growth: { ...NORMAL.growth, users: [1_500, 100_000, 1_000_000] } };

/** Small sizes for CI, which checks that the benchmark runs. Its figures mean little. */
export const SHORT: Sizes = {
  load: { rounds: 1 },
  throughput: { inFlight: [8], calls: 16, rounds: 1 },
  peers: { flows: null, settings: [AS_NEST], inFlight: [8], calls: 8, rounds: 1 },
  network: { flows: ["get the user"], settings: [AS_NEST], addedMs: [1], inFlight: [1], calls: 4, rounds: 1 },
  crowd: { methods: ["send_magic_link", "get_user"], inFlight: [1, 64], calls: 4, rounds: 1 },
  growth: { users: [200, 400], calls: 2, rounds: 2 },
  memory: { calls: 1_000 },
  storage: { machines: 10, writtenDays: 2 },
  console: { rounds: 1 },
};
