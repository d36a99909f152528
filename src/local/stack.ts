import { rm } from "node:fs/promises";
import { join } from "node:path";
import { startLocalApi } from "#local/api_server.ts";
import { cacheDirectory } from "#local/cache_directory.ts";
import { findDatabase } from "#local/database/find_database.ts";
import { loadSecrets, makeSecrets } from "#local/secrets.ts";
import { startSesDouble } from "#local/ses_double.ts";

export interface StackOptions {
  /** 0 for any free one. */
  port: number;
  /** Keep nothing between runs. */
  isThrowAway: boolean;
  /** Empty what earlier runs kept. */
  isFresh?: boolean;
  say: (line: string) => void;
  /** Takes a finished log line of the API. */
  write: (line: string) => void;
}

export interface LocalStack {
  url: string;
  database: { engine: string; version: string; how: string };
  close(): Promise<void>;
}

/**
 * Nest on one machine: a database, SES with an inbox, the API and its page.
 * @throws Error if a part can't be had or the port is taken; what was started by then is stopped
 */
export async function startLocalStack(options: StackOptions): Promise<LocalStack> {
  const folder = options.isThrowAway ? null : join(cacheDirectory(), "local");
  if (folder && options.isFresh) await rm(folder, { recursive: true, force: true });
  const database = await findDatabase({ dataDirectory: folder, say: options.say });
  const ses = await startSesDouble();
  const stopParts = async () => {
    await ses.close();
    await database.stop();
  };
  try {
    const api = await startLocalApi({
      port: options.port,
      mongoUri: withDatabase(database.uri, "nest"),
      ses,
      secrets: folder ? await loadSecrets(folder) : await makeSecrets(),
      database: { engine: database.engine, version: database.version },
      write: options.write,
    });
    return {
      url: api.url,
      database,
      async close() {
        await api.close();
        await stopParts();
      },
    };
  } catch (error) {
    await stopParts();
    throw error;
  }
}

/** The URI with a database path, unless it names one. */
function withDatabase(uri: string, name: string): string {
  const [address = "", query] = uri.split("?");
  const hasPath = /^mongodb(\+srv)?:\/\/[^/]+\/.+/.test(address);
  const path = hasPath ? address : `${address.replace(/\/$/, "")}/${name}`;
  return query === undefined ? path : `${path}?${query}`;
}
