import { type AnyBulkWriteOperation, type Collection, type Db, MongoClient, MongoServerError } from "mongodb";
import { refine, string } from "zod/mini";
import { ConfigError, secret } from "#core/config.ts";
import { Trips } from "#core/services/trips.ts";

/** A write must outlive one machine, and a read must see it: a URI that says otherwise is refused (contract 1.4). */
function keepsPromises(uri: string): boolean {
  if (!/^mongodb(\+srv)?:\/\//.test(uri)) return false;
  const options = new URLSearchParams(uri.split("?")[1] ?? "");
  for (const [name, value] of options) {
    const option = name.toLowerCase();
    if (option === "w" && value !== "majority") return false;
    if (option === "readpreference" && value !== "primary") return false;
    if (option === "journal" && value === "false") return false;
    if (option === "retrywrites" && value === "false") return false;
  }
  return true;
}

export const mongoVariables = { MONGODB_URI: secret(string().check(refine(keepsPromises))) };

export interface Mongo {
  client: MongoClient;
  database: Db;
  trips: Trips;
}

const CONNECT_TIMEOUT_MS = 2_000;
/** The driver ends every heartbeat after the time to connect. */
const STUCK_MS = CONNECT_TIMEOUT_MS + 1_000;

/**
 * Connects anew when the driver has stopped watching a server. Where a server closes its connections in the moment in
 * which a heartbeat is written, as one that restarts does, mongodb 7.9.0 waits for ever for that socket to drain: the
 * server stays unknown, and every call fails until the process ends.
 */
function reconnectIfStuck(client: MongoClient): void {
  const heartbeats = new Map<string, NodeJS.Timeout>();
  const end = ({ connectionId }: { connectionId: string }) => {
    clearTimeout(heartbeats.get(connectionId));
    heartbeats.delete(connectionId);
  };
  client.on("serverHeartbeatStarted", (event) => {
    end(event);
    const reconnect = () => {
      // An answer may have come while this process was frozen, or busy: it is read before this runs.
      setImmediate(() => {
        if (heartbeats.get(event.connectionId) !== timer) return;
        heartbeats.clear();
        client
          .close()
          .then(() => client.connect())
          .catch(() => undefined);
      });
    };
    const timer = setTimeout(reconnect, STUCK_MS).unref();
    heartbeats.set(event.connectionId, timer);
  });
  client.on("serverHeartbeatSucceeded", end);
  client.on("serverHeartbeatFailed", end);
  client.on("serverClosed", ({ address }) => end({ connectionId: address }));
}

/**
 * Opens the one connection pool of this process and starts to connect without waiting, so that a cold start overlaps
 * with it. A failure is kept by the driver: each later call tries again, so a database that comes back is used at once.
 * @param options.isCommand for a person's command, which may wait for an answer as long as building an index takes
 * @throws ConfigError if the URI does not parse
 */
export function openMongo(uri: string, { monitorCommands = false, isCommand = false } = {}): Mongo {
  let client: MongoClient;
  try {
    client = new MongoClient(uri, {
      appName: "nest",
      // One instance serves one event: the pool only bounds what a call does side by side.
      maxPoolSize: Number(new URLSearchParams(uri.split("?")[1] ?? "").get("maxPoolSize") ?? 8),
      minPoolSize: 0,
      maxIdleTimeMS: 60_000,
      // Every wait ends before the call's own limit, so that the caller hears why (contract 1.1: database 2 s).
      serverSelectionTimeoutMS: 2_000,
      connectTimeoutMS: CONNECT_TIMEOUT_MS,
      socketTimeoutMS: isCommand ? 0 : 2_000,
      waitQueueTimeoutMS: 2_000,
      heartbeatFrequencyMS: 5_000,
      // As the driver does by itself in Lambda.
      serverMonitoringMode: "poll",
      writeConcern: { w: "majority" },
      readPreference: "primary",
      monitorCommands,
    });
  } catch {
    throw new ConfigError(["MONGODB_URI"]);
  }
  const trips = new Trips(client);
  // A command may wait longer than a server is lost for.
  if (!isCommand) reconnectIfStuck(client);
  client.connect().catch(() => undefined);
  const path = /^mongodb(?:\+srv)?:\/\/[^/]+\/([^?]+)/.exec(uri)?.[1];
  return { client, database: client.db(path ? decodeURIComponent(path) : "nest"), trips };
}

/** MongoDB's error code for a unique index that was about to be broken. */
export function isDuplicateKey(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === 11000;
}

/**
 * Writes one after the other; updates take one trip together. Where the driver wraps what went wrong on the way, it is
 * thrown as it was, so that a lost database is told as it is anywhere else.
 */
export async function writeInOrder<Kind extends object>(
  collection: Collection<Kind>,
  writes: AnyBulkWriteOperation<Kind>[],
): Promise<void> {
  try {
    await collection.bulkWrite(writes);
  } catch (error) {
    throw error instanceof MongoServerError && error.errorResponse instanceof Error
      ? error.errorResponse
      : error;
  }
}
