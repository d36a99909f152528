import { lock } from "proper-lockfile";

/** The lock of a process that was killed is released after this time. */
const STALE_MS = 5_000;
const RETRY_MS = 250;

const options = (waitMs: number) => ({
  realpath: false,
  stale: STALE_MS,
  update: 1_000,
  retries: { retries: Math.ceil(waitMs / RETRY_MS), factor: 1, minTimeout: RETRY_MS, maxTimeout: RETRY_MS },
});

/** Runs `work` under a lock that other processes share by its path. Waits up to 20 minutes for the lock. */
export async function exclusively<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  // The process that holds the lock may build for minutes on a slow machine. The waiting process then uses that build.
  const release = await lock(path, options(20 * 60_000));
  try {
    return await work();
  } finally {
    await release();
  }
}

/**
 * Locks a folder for this process.
 * @returns a function that releases the lock; the end of this process releases it too
 * @throws Error if another process holds the lock
 */
export async function holdFolder(folder: string): Promise<() => Promise<void>> {
  try {
    return await lock(folder, options(STALE_MS + 1_000));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ELOCKED") throw error;
    throw new Error(
      "Another `npm start` uses the local data. Stop it first, or set NEST_DATA_DIR to another folder.",
    );
  }
}
