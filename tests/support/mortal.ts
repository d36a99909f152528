import type { Core, OpenCore, Part } from "#core/core.ts";

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

const READS = /^(find|list|is|all)/;
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
  const guarded = <Target extends object>(target: Target) =>
    new Proxy(target, {
      get(object, name) {
        const value = Reflect.get(object, name, object);
        if (typeof value !== "function" || name === "all") return value;
        return (...args: unknown[]) => {
          const work = () => Reflect.apply(value, object, args) as Promise<unknown>;
          return READS.test(String(name)) ? read(work) : effect(work);
        };
      },
    });
  const isGuarded = (part: unknown, names: RegExp) =>
    names.test((part as object | null)?.constructor?.name ?? "");
  const core = Object.fromEntries(
    Object.entries(open.core).map(([name, part]) => [
      name,
      isGuarded(part, /Repository$/) ? guarded(part as object) : part,
    ]),
  );
  return {
    atRest: () => Promise.allSettled(underWay),
    open: {
      ...open,
      core: core as unknown as Core,
      part<Opened>(part: Part<Opened>): Opened {
        const opened = open.part(part);
        return isGuarded(opened, /^(StripeApi|Mailer)$/) ? (guarded(opened as object) as Opened) : opened;
      },
    },
  };
}
