import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { cacheDirectory } from "#tools/machine/cache_directory.ts";
import { freePort, onPath, startServer } from "#tools/machine/child_process.ts";
import { buildGoProgram } from "#tools/machine/go_program.ts";
import { exclusively } from "#tools/machine/lock.ts";

/** The newest; its API version is older than the SDK's. */
export const STRIPE_MOCK_VERSION = "v0.203.0";

/** Stripe's own stand-in, which knows no state but every parameter and field of its version. */
export interface StripeMock {
  url: string;
  /** The version of Stripe's API that it knows, such as `2026-08-26.dahlia`. */
  apiVersion: string;
  stop(): Promise<void>;
}

/** Builds stripe-mock once, then starts it. Else why there is none. */
export async function startStripeMock(): Promise<StripeMock | { missing: string }> {
  const folder = join(cacheDirectory(), "stripe_mock");
  const binary = join(folder, `stripe-mock-${STRIPE_MOCK_VERSION}`);
  if (!existsSync(binary) && onPath("go") === null)
    return { missing: "it is built with Go, and there is none on PATH" };
  await mkdir(folder, { recursive: true });
  const source = `github.com/stripe/stripe-mock@${STRIPE_MOCK_VERSION}`;
  const failure = await exclusively(join(folder, "lock"), () => buildGoProgram(source, binary)).catch(
    (error: Error) => error.message,
  );
  if (failure !== undefined) return { missing: failure };
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
    if (isUp) return { url, apiVersion: await apiVersionOf(binary), stop: () => server.stop() };
    if (left === 0) throw new Error(`stripe-mock did not start: ${server.lastWords()}`);
    await wait(100);
  }
}

/** It does not say which version it knows, but carries the description of it. */
async function apiVersionOf(binary: string): Promise<string> {
  const [, version] = /"version": ?"(\d{4}-\d\d-\d\d\.\w+)"/.exec(await readFile(binary, "latin1")) ?? [];
  if (version === undefined) throw new Error("stripe-mock does not say which API version it knows");
  return version;
}
