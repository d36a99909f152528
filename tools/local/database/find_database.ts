import { FERRETDB_NEEDS, isFerretdbPossible, startFerretdb } from "#tools/local/database/ferretdb.ts";
import type { FindOptions, FoundDatabase } from "#tools/local/database/found_database.ts";
import { startDownloadedMongod, startInstalledMongod } from "#tools/local/database/mongod.ts";
import { serverVersion } from "#tools/local/database/ping.ts";

/**
 * Finds or starts a MongoDB-compatible database, in this order: MONGODB_URI, `mongod` on PATH, a downloaded mongod, or
 * FerretDB over DocumentDB, built from Debian and Go packages.
 * @throws Error that lists the four ways if none works on this machine
 */
export async function findDatabase(options: FindOptions): Promise<FoundDatabase> {
  const found =
    (await useRunningServer()) ??
    (await startInstalledMongod(options)) ??
    (await startDownloadedMongod(options, isFerretdbPossible())) ??
    (await startFerretdb(options));
  if (found) return found;
  throw new Error(
    [
      "No database found, and none could be started. Provide one of:",
      "  1. MONGODB_URI, pointing at a running MongoDB 6.0 or later",
      "  2. mongod on PATH",
      "  3. network access, to download MongoDB once",
      `  4. ${FERRETDB_NEEDS}, to build FerretDB once`,
    ].join("\n"),
  );
}

/** @throws Error if Nest does not support this version of MongoDB */
export function requireSupported(version: string): void {
  if (Number.parseInt(version, 10) < 6)
    throw new Error(`MONGODB_URI points at MongoDB ${version}. Use 6.0 or later.`);
}

async function useRunningServer(): Promise<FoundDatabase | null> {
  const uri = process.env.MONGODB_URI;
  if (!uri) return null;
  const version = await serverVersion(uri, 5000).catch((cause) => {
    throw new Error(
      "No database responds at MONGODB_URI. Start it, or unset MONGODB_URI to let Nest find one.",
      { cause },
    );
  });
  requireSupported(version);
  return {
    engine: "MongoDB",
    version,
    uri,
    how: "MONGODB_URI",
    died: new Promise(() => undefined),
    stop: async () => undefined,
  };
}
