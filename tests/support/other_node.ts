import { execFileSync } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { delimiter, join } from "node:path";

/**
 * The versions of Node on which packages are tested: the project's, and the versions on PATH and of npm if they
 * differ. `package.json` has the lowest supported version.
 */
export function nodesToTry(): { version: string; path: string }[] {
  const own = realpathSync(process.execPath);
  const onPath = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, "node"));
  const candidates = [own, process.env.npm_node_execpath ?? "", ...onPath].filter((path) => existsSync(path));
  const byVersion = new Map<string, string>();
  for (const path of candidates) {
    const version = execFileSync(path, ["--version"], { encoding: "utf8" }).trim();
    if (!byVersion.has(version)) byVersion.set(version, path);
  }
  return [...byVersion].map(([version, path]) => ({ version, path }));
}
