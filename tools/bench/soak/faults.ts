import { setTimeout as wait } from "node:timers/promises";
import { seededRandom } from "#stripe_double/random.ts";
import { FAULT_KINDS, type FaultKind } from "#tests/support/fault_proxy.ts";
import { PARTS, type Part, type SoakStack } from "#tools/bench/soak/stack.ts";

/** How long a part is out of order, and how long all is well after that. */
const BROKEN_MS = [1_000, 5_000] as const;
const WELL_MS = [10_000, 20_000] as const;
/** A call that is under way when a fault ends may still fail, and the driver looks for its server anew. */
const RECOVERY_MS = 6_000;
/** The last part of the time is without faults, so that what is told of recovery has had the time to happen. */
const QUIET_END_MS = 15_000;

export interface Outage {
  part: Part;
  kind: FaultKind;
  fromMs: number;
  toMs: number;
}

const KINDS = Object.keys(FAULT_KINDS) as FaultKind[];

/** Breaks parts and mends them again, one at a time, until the time is up or it is told to stop. */
export class Outages {
  readonly beginMs = performance.now();
  readonly list: Outage[] = [];

  /** @param random decides what goes wrong, and for how long */
  async run({ proxies }: SoakStack, endMs: number, seed: number): Promise<void> {
    const random = seededRandom(seed);
    const between = ([least, most]: readonly [number, number]) => least + random() * (most - least);
    for (;;) {
      const [well, broken] = [between(WELL_MS), between(BROKEN_MS)];
      if (performance.now() + well + broken + QUIET_END_MS > endMs) return;
      await wait(well);
      const part = PARTS[Math.floor(random() * PARTS.length)] as Part;
      const kind = KINDS[Math.floor(random() * KINDS.length)] as FaultKind;
      const outage: Outage = { part, kind, fromMs: performance.now(), toMs: performance.now() + broken };
      this.list.push(outage);
      if (kind === "refuse") proxies[part].refuse();
      else proxies[part].arm(kind, 1);
      await wait(broken);
      proxies[part].clear();
      outage.toMs = performance.now();
    }
  }

  /** How long all had been well at a moment, in ms: since the last fault, or from the beginning. */
  wellFor(atMs: number): number {
    return atMs - Math.max(this.beginMs, ...this.list.map(({ toMs }) => toMs).filter((toMs) => toMs <= atMs));
  }

  /** Whether a call that ran then may have met a fault. */
  touched(fromMs: number, toMs: number): boolean {
    return this.list.some((outage) => fromMs <= outage.toMs + RECOVERY_MS && toMs >= outage.fromMs);
  }
}
