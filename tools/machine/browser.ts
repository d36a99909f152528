import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { cacheDirectory } from "#tools/machine/cache_directory.ts";
import { onPath, run } from "#tools/machine/child_process.ts";
import { exclusively } from "#tools/machine/lock.ts";

/** Chromium without windows, which takes less processor time. It is also the name of Debian's package. */
const HEADLESS = "chromium-headless-shell";
const NAMES = [HEADLESS, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const installed = () => process.env.CHROME_PATH || NAMES.map(onPath).find((path) => path !== null) || null;

/**
 * Finds Chrome or Chromium: CHROME_PATH, or a program on PATH. On Debian as root, installs Debian's package of Chromium without
 * windows first, unless it is there or CHROME_PATH is set.
 * @returns its path, or the reason why there is none
 */
export async function findBrowser(): Promise<{ path: string } | { missing: string }> {
  const isWanted = !process.env.CHROME_PATH && onPath(HEADLESS) === null;
  const mayInstall = process.platform === "linux" && process.getuid?.() === 0 && onPath("apt-get") !== null;
  const failure = isWanted && mayInstall ? await install() : "no Chrome or Chromium on PATH; set CHROME_PATH";
  const path = installed();
  return path ? { path } : { missing: failure ?? "Chromium could not be installed" };
}

/** Installs Debian's package. Processes that want it at once wait for the first. @returns why it failed; null: it did not */
async function install(): Promise<string | null> {
  await mkdir(cacheDirectory(), { recursive: true });
  return exclusively(join(cacheDirectory(), "install_browser"), async () => {
    if (onPath(HEADLESS)) return null;
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    await run("apt-get", ["update"], { env }).catch(() => undefined);
    return run("apt-get", ["install", "-y", "--no-install-recommends", HEADLESS], { env }).then(
      () => null,
      (error: Error) => error.message,
    );
  });
}
