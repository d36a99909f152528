import { seededRandom } from "./random.ts";

/**
 * How an API call goes wrong. Not executed: `error` (500), `rate_limited` (429), `hang` (never answered). Executed all
 * the same: `error_after` (500, and stored under the idempotency key), `lost` (the connection is cut instead of an
 * answer), `hang_after` (never answered).
 */
export type StripeFaultKind =
  | "error"
  | "rate_limited"
  | "hang"
  | "error_after"
  | "lost"
  | "hang_after"
  | "none";

export interface StripeFault {
  /** How many calls go wrong; 0 disarms, `Infinity` never stops. */
  calls: number;
  kind: StripeFaultKind;
  /** Only calls whose `METHOD /path` starts like this, such as `POST /v1/subscriptions`. */
  on?: string;
  /** The share of those calls that go wrong, decided by `seed`; all by default. */
  chance?: number;
  seed?: number;
}

export interface Faults {
  arm(fault: StripeFault): void;
  /** What is still to come. */
  armed(): StripeFault;
  /** What happens to this call. */
  take(method: string, path: string): StripeFaultKind;
}

/** No fault until one is armed; arming replaces. */
export function createFaults(): Faults {
  let armed: StripeFault = { calls: 0, kind: "none" };
  let random = seededRandom(0);
  return {
    arm(fault) {
      armed = { ...fault };
      random = seededRandom(fault.seed ?? 1);
    },
    armed: () => ({ ...armed }),
    take(method, path) {
      const { calls, kind, on, chance } = armed;
      if (calls <= 0 || kind === "none") return "none";
      if (on !== undefined && !`${method} ${path}`.startsWith(on)) return "none";
      if (chance !== undefined && random() >= chance) return "none";
      armed.calls--;
      return kind;
    },
  };
}
