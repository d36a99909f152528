import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FindOptions, FoundDatabase } from "#tools/local/database/found_database.ts";
import { downloadMongod } from "#tools/local/database/mongod_download.ts";
import { waitUntilAnswering } from "#tools/local/database/ping.ts";
import { cacheDirectory } from "#tools/machine/cache_directory.ts";
import { freePort, onPath, startServer } from "#tools/machine/child_process.ts";
import { plainStep } from "#tools/terminal/progress.ts";

const DOWNLOAD_VERSION = "8.0.15";
/** After a failed download, no start retries it for this time if there is another way to get a database. */
const DOWNLOAD_PAUSE_MS = 6 * 60 * 60 * 1000;

/** Starts the `mongod` on PATH. @returns null if there is none */
export async function startInstalledMongod(options: FindOptions): Promise<FoundDatabase | null> {
  const path = onPath("mongod");
  return path ? start(path, "mongod on PATH", options) : null;
}

/**
 * Downloads mongod once, and starts it.
 * @param hasOtherWay whether another kind of database is possible; if so, a recent failure is not retried
 * @returns null if mongod can't be downloaded or does not start
 */
export async function startDownloadedMongod(
  options: FindOptions,
  hasOtherWay: boolean,
): Promise<FoundDatabase | null> {
  const { step = plainStep(options.say) } = options;
  const folder = join(cacheDirectory(), "mongod");
  const failedAt = join(folder, `download-of-${DOWNLOAD_VERSION}-failed`);
  const lastFailure = Number(await readFile(failedAt, "utf8").catch(() => "0"));
  if (hasOtherWay && Date.now() - lastFailure < DOWNLOAD_PAUSE_MS) return null;
  await mkdir(folder, { recursive: true });
  let path: string;
  try {
    path = await step(
      `Getting MongoDB ${DOWNLOAD_VERSION} from the cache, or by download (once, about 100 MB).`,
      (reportPercent) => downloadMongod(DOWNLOAD_VERSION, folder, reportPercent),
    );
  } catch (error) {
    options.say(`MongoDB could not be downloaded (${reason(error)}).`);
    await writeFile(failedAt, String(Date.now()));
    return null;
  }
  try {
    return await start(path, "mongodb-memory-server's download", options);
  } catch (error) {
    // This machine may lack a library that mongod needs.
    options.say(`MongoDB was downloaded but does not start (${reason(error)}).`);
    return null;
  }
}

const reason = (error: unknown) => (error instanceof Error ? error.message.split("\n")[0] : "unknown");

/** @throws Error with the server's output if it does not start; its temporary data is deleted first */
async function start(program: string, how: string, { dataDirectory }: FindOptions): Promise<FoundDatabase> {
  const folder = dataDirectory
    ? join(dataDirectory, "mongod")
    : await mkdtemp(join(tmpdir(), "nest-mongod-"));
  await mkdir(folder, { recursive: true });
  const port = await freePort();
  const server = startServer(program, [
    ...["--dbpath", folder, "--port", String(port), "--bind_ip", "127.0.0.1"],
    ...["--setParameter", "ttlMonitorSleepSecs=5"],
  ]);
  const uri = `mongodb://127.0.0.1:${port}/`;
  const stop = async () => {
    await server.stop();
    if (dataDirectory === null) await rm(folder, { recursive: true, force: true });
  };
  let version: string;
  try {
    version = await waitUntilAnswering(uri, server);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    engine: "MongoDB",
    version,
    uri,
    how,
    died: server.died,
    stop,
  };
}
