import { setTimeout as wait } from "node:timers/promises";
import { seededRandom } from "#stripe_double/random.ts";
import { DEPENDENCIES, type Dependency, type SoakStack } from "#tools/bench/soak/stack.ts";
import { FAULT_KINDS, type FaultKind } from "#tools/machine/fault_proxy.ts";

/** Shortest and longest duration of a fault, and of the pause before it. */
const FAULT_MS = [1_000, 5_000] as const;
const PAUSE_MS = [10_000, 20_000] as const;
/** How long calls may fail after a fault: running calls, and the search of the driver for its server. */
const RECOVERY_MS = 6_000;
/** No fault starts this long before the end, so that Nest recovers before the audit. */
const QUIET_END_MS = 15_000;

export interface Outage {
  dependency: Dependency;
  kind: FaultKind;
  fromMs: number;
  toMs: number;
}

const KINDS = Object.keys(FAULT_KINDS) as FaultKind[];

/** Starts and ends faults of the dependencies, one at a time, until the end. */
export class Outages {
  readonly beginMs = performance.now();
  readonly list: Outage[] = [];

  /** @param endMs on the clock of `performance.now()` */
  async run({ proxies }: SoakStack, endMs: number, seed: number): Promise<void> {
    const random = seededRandom(seed);
    const between = ([least, most]: readonly [number, number]) => least + random() * (most - least);
    for (;;) {
      const [pause, fault] = [between(PAUSE_MS), between(FAULT_MS)];
      if (performance.now() + pause + fault + QUIET_END_MS > endMs) return;
      await wait(pause);
      const dependency = DEPENDENCIES[Math.floor(random() * DEPENDENCIES.length)] as Dependency;
      const kind = KINDS[Math.floor(random() * KINDS.length)] as FaultKind;
      const outage: Outage = { dependency, kind, fromMs: performance.now(), toMs: performance.now() + fault };
      this.list.push(outage);
      if (kind === "refuse") proxies[dependency].refuse();
      else proxies[dependency].arm(kind, 1);
      await wait(fault);
      proxies[dependency].clear();
      outage.toMs = performance.now();
    }
  }

  /** Milliseconds since the end of the last fault, or since the start. */
  msSinceFault(atMs: number): number {
    return atMs - Math.max(this.beginMs, ...this.list.map(({ toMs }) => toMs).filter((toMs) => toMs <= atMs));
  }

  /** Whether a call may have been affected by a fault. */
  mayHaveAffected(fromMs: number, toMs: number): boolean {
    return this.list.some((outage) => fromMs <= outage.toMs + RECOVERY_MS && toMs >= outage.fromMs);
  }
}
