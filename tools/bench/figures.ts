import type { Machine } from "#tools/bench/machine.ts";
import type { ConsoleResult } from "#tools/bench/sections/console.ts";
import type { CrowdRow } from "#tools/bench/sections/crowd.ts";
import type { GrowthRow } from "#tools/bench/sections/growth.ts";
import type { LoadResult } from "#tools/bench/sections/load.ts";
import type { MemoryResult } from "#tools/bench/sections/memory.ts";
import type { NetworkResult } from "#tools/bench/sections/network.ts";
import type { PeersResult } from "#tools/bench/sections/peers.ts";
import type { StorageRow } from "#tools/bench/sections/storage.ts";
import type { ThroughputRow } from "#tools/bench/sections/throughput.ts";

/** The figures of each section. */
export interface Figures {
  load: LoadResult;
  throughput: ThroughputRow[];
  crowd: CrowdRow[];
  peers: PeersResult;
  network: NetworkResult;
  growth: GrowthRow[];
  memory: MemoryResult;
  storage: StorageRow[];
  console: ConsoleResult;
}
export type Section = keyof Figures;

/** The figures of each section, with the time and machine of the run. */
export type Results = { [Name in Section]?: { ranAt: string; machine: Machine; figures: Figures[Name] } };
