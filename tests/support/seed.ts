import { randomInt } from "node:crypto";

/**
 * Prints the seed of a randomized suite and returns it.
 * `SEED=<number>` repeats a run with the seed that it printed; without `SEED` every run draws a new one.
 * @throws Error if `SEED` is not a whole number
 */
export function seedOf(suite: string): number {
  const { SEED } = process.env;
  const seed = SEED ? Number(SEED) : randomInt(1_000_000);
  if (!Number.isSafeInteger(seed)) throw new Error(`SEED=${SEED} is not a whole number.`);
  console.log(`${suite}: SEED=${seed}`);
  return seed;
}
