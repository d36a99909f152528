import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { cacheDirectory } from "#tools/machine/cache_directory.ts";
import { freePort, onPath, startServer } from "#tools/machine/child_process.ts";
import { buildGoProgram } from "#tools/machine/go_program.ts";
import { exclusively } from "#tools/machine/lock.ts";

/** The newest version. Its API version is older than the SDK's. */
export const STRIPE_MOCK_VERSION = "v0.203.0";

/** A running stripe-mock: Stripe's own stub, which keeps no state but validates every parameter of its API version. */
export interface StripeMock {
  url: string;
  /** Its version of Stripe's API, such as `2026-08-26.dahlia`. */
  apiVersion: string;
  stop(): Promise<void>;
}

/**
 * Starts stripe-mock, after building it with Go if it is not in the cache.
 * @returns the reason in `missing` if it can't be built
 */
export async function startStripeMock(): Promise<StripeMock | { missing: string }> {
  const folder = join(cacheDirectory(), "stripe_mock");
  const binary = join(folder, `stripe-mock-${STRIPE_MOCK_VERSION}`);
  if (!existsSync(binary) && onPath("go") === null)
    return { missing: "Go is not on PATH, and stripe-mock is built with Go." };
  await mkdir(folder, { recursive: true });
  const source = `github.com/stripe/stripe-mock@${STRIPE_MOCK_VERSION}`;
  const failure = await exclusively(join(folder, "lock"), () => buildGoProgram(source, binary)).catch(
    (error: Error) => error.message,
  );
  if (failure !== undefined) return { missing: failure };
  const port = await freePort();
  // Without an HTTPS address it listens for HTTPS on every interface.
  const addresses = ["-http-addr", `127.0.0.1:${port}`, "-https-addr", "127.0.0.1:0"];
  const server = startServer(binary, addresses);
  const url = `http://127.0.0.1:${port}`;
  for (let left = 100; ; left--) {
    const isUp = await fetch(url).then(
      () => true,
      () => false,
    );
    if (isUp) return { url, apiVersion: await apiVersionOf(binary), stop: () => server.stop() };
    if (left === 0) throw new Error(`stripe-mock did not start: ${server.lastOutput()}`);
    await wait(100);
  }
}

/** Reads the API version from the OpenAPI document that the binary contains. */
async function apiVersionOf(binary: string): Promise<string> {
  const [, version] = /"version": ?"(\d{4}-\d\d-\d\d\.\w+)"/.exec(await readFile(binary, "latin1")) ?? [];
  if (version === undefined) throw new Error("stripe-mock's binary contains no API version.");
  return version;
}
