import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import type { FoundDatabase } from "#tools/local/database/found_database.ts";

/** The machine of a run, without its name. */
export interface Machine {
  processor: string;
  cores: number;
  memoryGb: number;
  node: string;
  system: string;
  database: string;
  /** Average of runnable processes over the last five minutes; more than `cores`: other work disturbed the run. */
  load: number;
}

export function currentMachine(database: FoundDatabase | null): Machine {
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

export const describeMachine = (machine: Machine): string =>
  `${machine.processor}, ${machine.cores} cores, ${machine.memoryGb} GB, ${machine.system}, Node ${machine.node}, ` +
  `${machine.database}. Load before: ${machine.load}.`;
