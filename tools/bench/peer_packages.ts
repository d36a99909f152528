import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const FOLDER = new URL("peers/", import.meta.url);

/** Installs better-auth from its lockfile, unless it is installed. */
export function installPeers(): void {
  if (existsSync(new URL("node_modules/better-auth/package.json", FOLDER))) return;
  console.error("Installing better-auth, once.");
  execFileSync("npm", ["ci", "--no-audit", "--silent"], { cwd: fileURLToPath(FOLDER), stdio: "inherit" });
}
