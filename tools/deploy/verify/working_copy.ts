import { cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ROOT } from "#tools/deploy/root.ts";
import { run } from "#tools/machine/child_process.ts";

/** A copy of this repository, uncommitted files included, that the verification may change and commit. */
export interface WorkingCopy {
  folder: string;
  /** Commits all changes. */
  commit(message: string): Promise<void>;
  remove(): Promise<void>;
}

/** Copies the repository into a temporary folder, as a Git repository with one commit. */
export async function copyRepository(): Promise<WorkingCopy> {
  const folder = await mkdtemp(join(tmpdir(), "nest-verify-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    return { folder, remove, commit: await fill(folder) };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** @returns a function that commits all changes in the folder */
async function fill(folder: string): Promise<WorkingCopy["commit"]> {
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
    // Git still lists a file whose removal is not committed.
    await cp(join(ROOT, file), join(folder, file)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
    });
  }
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"), "dir");
  await git("init", "--quiet");
  // The ignore rule `node_modules/` matches folders only, and here it is a link.
  await run("git", ["config", "core.excludesFile", join(folder, ".git", "ignored")], { cwd: folder });
  await run("sh", ["-c", "echo node_modules > .git/ignored"], { cwd: folder });
  await commit("copy");
  return commit;
}
