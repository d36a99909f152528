import { seededRandom } from "./random.ts";

/**
 * How an API request fails.
 *
 * Without being executed: `error` (status 500), `rate_limited` (status 429), `missing` (status 404 `resource_missing`, as from
 * a replica that does not have the object yet), `hang` (no response).
 * After it was executed: `error_after` (status 500, which is also stored for the idempotency key), `lost` (the connection
 * is closed without a response), `hang_after` (no response).
 */
export type StripeFaultKind =
  | "error"
  | "rate_limited"
  | "missing"
  | "hang"
  | "error_after"
  | "lost"
  | "hang_after"
  | "none";

export interface StripeFault {
  /** The number of requests that fail. 0 removes the fault. */
  calls: number;
  kind: StripeFaultKind;
  /** Limits the fault to requests whose `METHOD /path` starts with this, such as `POST /v1/subscriptions`. */
  on?: string;
  /** The probability that a request fails, from 0 to 1. Default: 1. */
  chance?: number;
  /** Makes `chance` reproducible. */
  seed?: number;
}

export interface Faults {
  /** Replaces the current fault. */
  arm(fault: StripeFault): void;
  /** The current fault, with the number of requests that it will still fail. */
  armed(): StripeFault;
  /** The fault of this request. Counts it as failed. */
  take(method: string, path: string): StripeFaultKind;
}

/** Creates the fault injection of a double, without a fault. */
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
