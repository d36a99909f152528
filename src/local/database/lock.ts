import { open, readFile, rm } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";

/** Runs `work` while no other process runs its own under the same lock file. A dead holder's lock is taken over. */
export async function exclusively<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  for (;;) {
    const file = await open(path, "wx").catch(() => null);
    if (file) {
      try {
        await file.writeFile(String(process.pid));
        await file.close();
        return await work();
      } finally {
        await rm(path, { force: true });
      }
    }
    const holder = Number(await readFile(path, "utf8").catch(() => "0"));
    if (holder > 0 && !isAlive(holder)) await rm(path, { force: true });
    else await wait(250);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
