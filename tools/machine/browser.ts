import { onPath, run } from "#tools/machine/child_process.ts";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const installed = () => process.env.CHROME_PATH || NAMES.map(onPath).find((path) => path !== null) || null;

/**
 * Finds Chrome or Chromium: CHROME_PATH, or a program on PATH. On Debian as root, installs Debian's package.
 * @returns its path, or the reason why there is none
 */
export async function findBrowser(): Promise<{ path: string } | { missing: string }> {
  const path = installed();
  if (path) return { path };
  if (process.platform !== "linux" || process.getuid?.() !== 0 || !onPath("apt-get")) {
    return { missing: "no Chrome or Chromium on PATH; set CHROME_PATH" };
  }
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  await run("apt-get", ["update"], { env }).catch(() => undefined);
  const failure = await run("apt-get", ["install", "-y", "--no-install-recommends", "chromium"], {
    env,
  }).then(
    () => null,
    (error: Error) => error.message,
  );
  const found = installed();
  return found ? { path: found } : { missing: failure ?? "chromium could not be installed" };
}
