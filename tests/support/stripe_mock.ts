import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { cacheDirectory } from "#local/cache_directory.ts";
import { freePort, onPath, run, startServer } from "#local/child_process.ts";
import { exclusively } from "#local/database/lock.ts";

/** The newest; its API version is older than the SDK's. */
export const STRIPE_MOCK_VERSION = "v0.203.0";

/** Stripe's own stand-in, which knows no state but every parameter and field of its version. */
export interface StripeMock {
  url: string;
  stop(): Promise<void>;
}

/** Builds stripe-mock once, then starts it; null where there is no Go to build it with. */
export async function startStripeMock(): Promise<StripeMock | null> {
  const folder = join(cacheDirectory(), "stripe_mock");
  const binary = join(folder, `stripe-mock-${STRIPE_MOCK_VERSION}`);
  if (!existsSync(binary) && onPath("go") === null) return null;
  await mkdir(folder, { recursive: true });
  await exclusively(join(folder, "lock"), () => build(binary));
  const port = await freePort();
  // It would listen for HTTPS on every interface if it were not told where.
  const addresses = ["-http-addr", `127.0.0.1:${port}`, "-https-addr", "127.0.0.1:0"];
  const server = startServer(binary, addresses);
  const url = `http://127.0.0.1:${port}`;
  for (let left = 100; ; left--) {
    const isUp = await fetch(url).then(
      () => true,
      () => false,
    );
    if (isUp) return { url, stop: () => server.stop() };
    if (left === 0) throw new Error(`stripe-mock did not start: ${server.lastWords()}`);
    await wait(100);
  }
}

async function build(binary: string): Promise<void> {
  if (existsSync(binary)) return;
  const folder = await mkdtemp(`${binary}-`);
  try {
    await run("go", ["install", `github.com/stripe/stripe-mock@${STRIPE_MOCK_VERSION}`], {
      env: { ...process.env, GOBIN: folder, GOFLAGS: "" },
    });
    await rename(join(folder, "stripe-mock"), binary);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
