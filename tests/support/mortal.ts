import type { OpenCore } from "#core/core.ts";
import { guarded } from "#tests/support/guarded.ts";

/** When a process dies: at its n-th effect on the world, before it happened or after. 0 is never. */
export interface Fate {
  at: number;
  when: "before" | "after";
}

export interface Mortal {
  open: OpenCore;
  /** Resolves when everything that was under way at its death has reached the world, or failed to. */
  atRest(): Promise<unknown>;
}

type Work = () => Promise<unknown>;

/** Nothing comes back from the dead. */
const never = () => new Promise<never>(() => undefined);

/**
 * A core whose process dies: from its n-th effect on (a write to the database, a request to Stripe, a mail) nothing it
 * does reaches the world, and nothing comes back to it. Everything before is real.
 * @param die told of the death; by default it only goes silent
 */
export function mortal(open: OpenCore, fate: Fate, die: () => void = () => undefined): Mortal {
  let effects = 0;
  let isDead = false;
  const underWay = new Set<Promise<unknown>>();

  const end = () => {
    isDead = true;
    die();
    return never();
  };
  const read = async (work: Work) => {
    if (isDead) return never();
    const result = await work();
    return isDead ? never() : result;
  };
  const effect = async (work: Work) => {
    if (isDead) return never();
    const isLast = ++effects === fate.at;
    if (isLast && fate.when === "before") return end();
    const working = work();
    underWay.add(working);
    const result = await working.finally(() => underWay.delete(working));
    if (isDead) return never();
    return isLast ? end() : result;
  };
  return {
    atRest: () => Promise.allSettled(underWay),
    open: guarded(open, ({ isRead }, work) => (isRead ? read(work) : effect(work))),
  };
}
