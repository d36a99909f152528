import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const read = (file: URL) => JSON.parse(readFileSync(file, "utf8"));

/**
 * The version of a package that a folder's package.json pins.
 * @param folder the URL of a folder with its own package.json and lockfile, outside the installation of the repository
 */
export const pinnedVersion = (folder: URL, name: string): string =>
  read(new URL("package.json", folder)).dependencies[name];

/**
 * Installs a folder's packages from its lockfile, unless the named package is installed in its pinned version.
 * @param name the package that the folder is for, for example `vitepress`
 */
export function installFolder(folder: URL, name: string): void {
  const installed = new URL(`node_modules/${name}/package.json`, folder);
  if (existsSync(installed) && read(installed).version === pinnedVersion(folder, name)) return;
  console.error(`Installing ${name}, once.`);
  execFileSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--silent"], {
    cwd: fileURLToPath(folder),
    stdio: "inherit",
  });
}
