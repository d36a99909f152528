import { readdir, readFile, stat } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";

/**
 * Waits until no PostgreSQL process uses a data folder. The processes of a killed parent end by themselves after a moment,
 * and a second PostgreSQL on the same folder would corrupt the data.
 * @throws Error if a process still runs after `timeoutMs`
 */
export async function waitUntilUnused(folder: string, timeoutMs: number): Promise<void> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const pids = await postgresPidsIn(folder);
    if (pids.length === 0) return;
    if (Date.now() >= end)
      throw new Error(`PostgreSQL (pid ${pids.join(", ")}) still uses ${folder}. Stop it first.`);
    await wait(50);
  }
}

/** Compares device and inode, not the path: each process sees its own mount of the folder. */
async function postgresPidsIn(folder: string): Promise<string[]> {
  const { dev, ino } = await stat(folder);
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      try {
        if ((await readFile(`/proc/${pid}/comm`, "utf8")).trim() !== "postgres") return [];
        const at = await stat(`/proc/${pid}/cwd`);
        return at.dev === dev && at.ino === ino ? [pid] : [];
      } catch {
        // The process ended in the meantime.
        return [];
      }
    }),
  );
  return found.flat();
}
