import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const FOLDER = new URL("peers/", import.meta.url);

/** Installs what Nest is compared with, as its lockfile says, if it is not there. */
export function installPeers(): void {
  if (existsSync(new URL("node_modules/better-auth/package.json", FOLDER))) return;
  console.error("Installing what Nest is compared with (once)");
  execFileSync("npm", ["ci", "--no-audit", "--silent"], { cwd: fileURLToPath(FOLDER), stdio: "inherit" });
}
