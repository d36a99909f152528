import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const FOLDER = new URL("peers/", import.meta.url);
const INSTALLED = new URL("node_modules/better-auth/package.json", FOLDER);

const read = (file: URL) => JSON.parse(readFileSync(file, "utf8"));

/** The version of better-auth that the benchmark uses. */
export const peerVersion = (): string => read(new URL("package.json", FOLDER)).dependencies["better-auth"];

/** Installs better-auth from its lockfile, unless this version is installed. */
export function installPeers(): void {
  if (existsSync(INSTALLED) && read(INSTALLED).version === peerVersion()) return;
  console.error("Installing better-auth, once.");
  execFileSync("npm", ["ci", "--no-audit", "--silent"], { cwd: fileURLToPath(FOLDER), stdio: "inherit" });
}
