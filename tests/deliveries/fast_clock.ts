import type { TestClock } from "#tests/support/nest.ts";

/**
 * How much faster time passes for Nest, so that the lease of a killed run, a minute, ends after 15 s. All limits of a run are
 * shorter by this factor too, and keep their proportions.
 */
export const SPEED = 4;

/** A clock that several processes share. @param startedAt epoch milliseconds, the same in all of them */
export const fastClock = (startedAt: number): TestClock => ({
  now: () => new Date(startedAt + (Date.now() - startedAt) * SPEED),
  advance: () => {
    throw new Error("The clock of several processes can't be advanced.");
  },
});
