import { onPath, run } from "#tools/machine/child_process.ts";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const installed = () => process.env.CHROME_PATH || NAMES.map(onPath).find((path) => path !== null) || null;

/** A Chrome or Chromium: CHROME_PATH, one on PATH, or Debian's, installed as root. Else why there is none. */
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
