import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { startConflictProxy } from "#tools/local/database/conflict_proxy.ts";
import { ensureDocumentdb, startPostgres } from "#tools/local/database/documentdb.ts";
import type { FindOptions, FoundDatabase } from "#tools/local/database/found_database.ts";
import { waitUntilAnswering } from "#tools/local/database/ping.ts";
import { cacheDirectory } from "#tools/machine/cache_directory.ts";
import { freePort, onPath, startServer } from "#tools/machine/child_process.ts";
import { buildGoProgram } from "#tools/machine/go_program.ts";
import { exclusively } from "#tools/machine/lock.ts";
import { plainStep, type Step } from "#tools/terminal/progress.ts";

const FERRETDB_VERSION = "v2.7.0";

export const FERRETDB_NEEDS = "Debian Linux as root, with apt and Go";

const binaryPath = () => join(cacheDirectory(), "ferretdb", `ferretdb-${FERRETDB_VERSION}`);

/** Whether FerretDB is built already or can be built on this machine. */
export function isFerretdbPossible(): boolean {
  if (existsSync(binaryPath())) return true;
  return (
    process.platform === "linux" &&
    process.getuid?.() === 0 &&
    onPath("apt-get") !== null &&
    onPath("go") !== null
  );
}

/** Builds FerretDB and DocumentDB once, and starts them. @returns null if this machine can't build them */
export async function startFerretdb(options: FindOptions): Promise<FoundDatabase | null> {
  if (!isFerretdbPossible()) return null;
  const { step = plainStep(options.say) } = options;
  const binary = binaryPath();
  const cache = dirname(binary);
  await mkdir(cache, { recursive: true });
  const root = await exclusively(join(cache, "lock"), async () => {
    await ensureFerretdb(binary, step);
    return ensureDocumentdb(cache, step);
  });

  const folder = options.dataDirectory
    ? join(options.dataDirectory, "documentdb")
    : await mkdtemp(join(tmpdir(), "nest-documentdb-"));
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o755);
  const postgres = await startPostgres(root, folder, { isThrowAway: options.dataDirectory === null });
  const state = join(folder, "ferretdb");
  await mkdir(state, { recursive: true });
  const port = await freePort();
  const ferretdb = startServer(binary, [
    "--no-auth",
    `--postgresql-url=${postgres.url}?pool_max_conns=60`,
    `--listen-addr=127.0.0.1:${port}`,
    "--debug-addr=-",
    "--telemetry=disable",
    "--log-level=ERROR",
    `--state-dir=${state}`,
  ]);
  const proxy = await startConflictProxy(port);
  const uri = `mongodb://127.0.0.1:${proxy.port}/`;
  const stop = async () => {
    await proxy.close();
    await ferretdb.stop();
    await postgres.stop();
    if (options.dataDirectory === null) await rm(folder, { recursive: true, force: true });
  };
  try {
    await waitUntilAnswering(uri, ferretdb);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    engine: "FerretDB over DocumentDB",
    version: FERRETDB_VERSION,
    uri,
    how: "built from Debian and Go packages",
    died: Promise.race([ferretdb.died, postgres.died]),
    stop,
  };
}

async function ensureFerretdb(binary: string, step: Step): Promise<void> {
  if (existsSync(binary)) return;
  const source = `github.com/FerretDB/FerretDB/v2/cmd/ferretdb@${FERRETDB_VERSION}`;
  await step("Building FerretDB, a MongoDB-compatible server (once, one to two minutes).", () =>
    buildGoProgram(source, binary),
  );
}
