import { unique } from "#tools/attacks/timing_fixtures.ts";
import type { Target } from "#tools/attacks/timing_target.ts";

export type Call = (run: number) => Promise<unknown>;

/** Two kinds of call that an attacker may try to distinguish by their response times. */
export interface Pair {
  /** `first / second` */
  name: string;
  /** Prepares `count` calls of each kind. */
  prepare(target: Target, count: number): Promise<[first: Call, second: Call]>;
}

/** Random addresses of equal length, since the length affects the time. */
export const addresses = (count: number) => Array.from({ length: count }, () => `${unique()}@example.com`);

/** Takes this time, as a step that only one kind of call has. */
export function takeMs(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}
