import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import type { FoundDatabase } from "#tools/local/database/found_database.ts";

/** Where figures come from, without a name of anybody's machine. */
export interface Machine {
  processor: string;
  cores: number;
  memoryGb: number;
  node: string;
  system: string;
  database: string;
  /** Processes that wanted to run, on average of the last five minutes: above the cores, others were in the way. */
  load: number;
}

export function describeMachine(database: FoundDatabase | null): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    system: `${process.platform} ${process.arch}`,
    database: database ? `${database.engine} ${database.version}` : "none",
    load: Number((loadavg()[1] ?? 0).toFixed(1)),
  };
}

export const sayMachine = (machine: Machine): string =>
  `${machine.processor}, ${machine.cores} cores, ${machine.memoryGb} GB, ${machine.system}, Node ${machine.node}, ` +
  `${machine.database}. Load before: ${machine.load}.`;
