import { cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ROOT } from "#tools/deploy/serverless.ts";
import { run } from "#tools/machine/child_process.ts";

/** A copy of this repository as it is now, with everything committed, that a proof may change. */
export interface WorkingCopy {
  folder: string;
  /** Commits whatever was changed. */
  commit(message: string): Promise<void>;
  remove(): Promise<void>;
}

export async function copyRepository(): Promise<WorkingCopy> {
  const folder = await mkdtemp(join(tmpdir(), "nest-verify-"));
  const git = (...args: string[]) =>
    run("git", ["-c", "user.name=verify", "-c", "user.email=verify@localhost", ...args], { cwd: folder });
  const commit = async (message: string) => {
    await git("add", "--all");
    await git("commit", "--quiet", "--message", message);
  };
  const listed = await run("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], {
    cwd: ROOT,
  });
  for (const file of listed.split("\0").filter(Boolean)) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    // A file that was removed and not yet committed is listed still.
    await cp(join(ROOT, file), join(folder, file)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
    });
  }
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"), "dir");
  await git("init", "--quiet");
  // A link is no folder, so the ignore rule of node_modules/ does not hold for it.
  await run("git", ["config", "core.excludesFile", join(folder, ".git", "ignored")], { cwd: folder });
  await run("sh", ["-c", "echo node_modules > .git/ignored"], { cwd: folder });
  await commit("as it is");
  return { folder, commit, remove: () => rm(folder, { recursive: true, force: true }) };
}
