import { type Db, MongoClient } from "mongodb";
import { refine, string } from "zod/mini";
import { ConfigError, secret } from "#core/config.ts";
import { tlsRefusal } from "#core/services/database_tls.ts";
import { Trips } from "#core/services/trips.ts";

/** Refuses a URI that weakens durability: writes must reach a majority, reads must come from the primary (contract 1.4). */
function isDurable(uri: string): boolean {
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

export const mongoVariables = { MONGODB_URI: secret(string().check(refine(isDurable))) };

export interface Mongo {
  client: MongoClient;
  database: Db;
  trips: Trips;
}

/** Every wait ends before the call's time limit, so that the caller gets the reason (contract 1.1: database 2 s). */
const WAIT_LIMIT_MS = 2_000;
/** The driver times out a heartbeat after the connect timeout; a heartbeat that is this much older is stuck. */
const STUCK_AFTER_MS = 1_000;

/**
 * Reconnects when the driver has stopped monitoring a server. If a restarting server closes its connection while the
 * driver writes a heartbeat, mongodb 7.9.0 waits forever for that socket to drain. The server then stays unknown and
 * every call fails until the process ends.
 * @param waitMs the driver's time limit of a heartbeat
 */
function reconnectIfStuck(client: MongoClient, waitMs: number): void {
  const heartbeats = new Map<string, NodeJS.Timeout>();
  const end = ({ connectionId }: { connectionId: string }) => {
    clearTimeout(heartbeats.get(connectionId));
    heartbeats.delete(connectionId);
  };
  client.on("serverHeartbeatStarted", (event) => {
    end(event);
    const reconnect = () => {
      // A response that arrived while the process was frozen or busy is processed before this runs.
      setImmediate(() => {
        if (heartbeats.get(event.connectionId) !== timer) return;
        heartbeats.clear();
        client
          .close()
          .then(() => client.connect())
          .catch(() => undefined);
      });
    };
    const timer = setTimeout(reconnect, waitMs + STUCK_AFTER_MS).unref();
    heartbeats.set(event.connectionId, timer);
  });
  client.on("serverHeartbeatSucceeded", end);
  client.on("serverHeartbeatFailed", end);
  client.on("serverClosed", ({ address }) => end({ connectionId: address }));
}

/**
 * Opens the process's connection pool and starts connecting without waiting, so that connecting overlaps the cold start.
 * If connecting fails, each later call tries again.
 * @param options.isCommand for operator commands, which may wait as long as building an index takes
 * @param options.slowdown multiplies every time limit
 * @param options.isTlsOptional allows a connection without verified TLS to another machine; only for stage `local`
 * @throws ConfigError if the URI does not parse, or if its connection has no verified TLS
 */
export function openMongo(
  uri: string,
  { monitorCommands = false, isCommand = false, isTlsOptional = false, slowdown = 1 } = {},
): Mongo {
  const refusal = isTlsOptional ? null : tlsRefusal(uri);
  if (refusal !== null) throw new ConfigError(["MONGODB_URI"], refusal);
  const waitMs = WAIT_LIMIT_MS * slowdown;
  let client: MongoClient;
  try {
    client = new MongoClient(uri, {
      appName: "nest",
      // A Lambda instance serves one event at a time, so the pool only bounds the concurrency within one call.
      maxPoolSize: Number(new URLSearchParams(uri.split("?")[1] ?? "").get("maxPoolSize") ?? 8),
      minPoolSize: 0,
      maxIdleTimeMS: 60_000,
      serverSelectionTimeoutMS: waitMs,
      connectTimeoutMS: waitMs,
      socketTimeoutMS: isCommand ? 0 : waitMs,
      waitQueueTimeoutMS: waitMs,
      heartbeatFrequencyMS: 5_000,
      // The driver's own default in Lambda.
      serverMonitoringMode: "poll",
      writeConcern: { w: "majority" },
      readPreference: "primary",
      monitorCommands,
    });
  } catch {
    throw new ConfigError(["MONGODB_URI"]);
  }
  const trips = new Trips(client);
  // An operator command may wait longer than a server outage lasts.
  if (!isCommand) reconnectIfStuck(client, waitMs);
  client.connect().catch(() => undefined);
  const path = /^mongodb(?:\+srv)?:\/\/[^/]+\/([^?]+)/.exec(uri)?.[1];
  return { client, database: client.db(path ? decodeURIComponent(path) : "nest"), trips };
}

/** Whether a write failed because it would violate a unique index. */
export function isDuplicateKey(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === 11000;
}
