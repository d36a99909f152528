import { lock } from "proper-lockfile";

/** A holder that was killed is known to be gone after this long. */
const STALE_MS = 5_000;
const RETRY_MS = 250;

const options = (waitMs: number) => ({
  realpath: false,
  stale: STALE_MS,
  update: 1_000,
  retries: { retries: Math.ceil(waitMs / RETRY_MS), factor: 1, minTimeout: RETRY_MS, maxTimeout: RETRY_MS },
});

/** Runs `work` while no other process runs its own under the same path. A dead holder's lock is taken over. */
export async function exclusively<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  // Building takes minutes on a slow machine; whoever waits gains from it.
  const release = await lock(path, options(20 * 60_000));
  try {
    return await work();
  } finally {
    await release();
  }
}

/**
 * Holds a folder for this process alone, until the answered function is called or the process is gone.
 * @throws Error if another process holds it
 */
export async function holdFolder(folder: string): Promise<() => Promise<void>> {
  try {
    return await lock(folder, options(STALE_MS + 1_000));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ELOCKED") throw error;
    throw new Error("Another `npm start` is running and holds the local data. Stop it first.");
  }
}
