import { readdir, readFile, stat } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";

/**
 * Waits until no PostgreSQL works in a data folder any more: the processes of a parent that was killed end by
 * themselves, but not at once, and two at once would ruin the data.
 * @throws Error if one still runs after `timeoutMs`
 */
export async function untilUnused(folder: string, timeoutMs: number): Promise<void> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const pids = await workingIn(folder);
    if (pids.length === 0) return;
    if (Date.now() >= end)
      throw new Error(`PostgreSQL (pid ${pids.join(", ")}) still runs on ${folder}. Stop it first.`);
    await wait(50);
  }
}

/** Every postgres whose working directory this is. A path would not do: each sees its own mount of the folder. */
async function workingIn(folder: string): Promise<string[]> {
  const { dev, ino } = await stat(folder);
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      try {
        if ((await readFile(`/proc/${pid}/comm`, "utf8")).trim() !== "postgres") return [];
        const at = await stat(`/proc/${pid}/cwd`);
        return at.dev === dev && at.ino === ino ? [pid] : [];
      } catch {
        // It ended meanwhile.
        return [];
      }
    }),
  );
  return found.flat();
}
