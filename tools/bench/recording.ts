import type { CommandStartedEvent, Document, MongoClient } from "mongodb";
import type { BenchDatabase } from "#tools/bench/environment.ts";
import { type IncomingCall, openGateway } from "#tools/local/gateway.ts";

/** The database commands of one call: for each round trip, the commands that ran in parallel. */
export type Trips = Document[][];

/** Fields that the driver adds to every command. */
const OF_THE_DRIVER = ["lsid", "$db", "$clusterTime", "txnNumber", "maxTimeMS", "writeConcern", "ordered"];

/**
 * Records the database commands of one call. Commands belong to the same round trip if they ran in parallel, as in
 * tests/support/trips.ts. The client must have been opened with command monitoring.
 */
export async function recordTrips(client: MongoClient, call: () => Promise<unknown>): Promise<Trips> {
  const trips: Trips = [];
  const places = new Map<number, number>();
  let ended = 0;
  const onStart = ({ requestId, command }: CommandStartedEvent) => {
    places.set(requestId, ended);
    const own = Object.entries(command as Document).filter(([name]) => !OF_THE_DRIVER.includes(name));
    const trip = trips[ended] ?? [];
    trips[ended] = trip;
    trip.push(Object.fromEntries(own));
  };
  const onEnd = ({ requestId }: { requestId: number }) => {
    ended = Math.max(ended, (places.get(requestId) ?? 0) + 1);
  };
  client.on("commandStarted", onStart).on("commandSucceeded", onEnd).on("commandFailed", onEnd);
  try {
    await call();
  } finally {
    client.off("commandStarted", onStart).off("commandSucceeded", onEnd).off("commandFailed", onEnd);
  }
  return trips;
}

/** Makes each call once, alone, and records its database commands. */
export async function recordCalls(place: BenchDatabase, calls: readonly IncomingCall[]): Promise<Trips[]> {
  const gateway = await openGateway(place.environment, { monitorCommands: true, write: () => undefined });
  try {
    const recorded: Trips[] = [];
    // The first call opens connections, which would be recorded as round trips.
    const [first] = calls;
    if (first) await gateway.invoke({ ...first, body: Buffer.from("{}") });
    for (const call of calls)
      recorded.push(await recordTrips(gateway.mongo.client, () => gateway.invoke(call)));
    return recorded;
  } finally {
    await gateway.close();
  }
}

const WRITES = ["insert", "update", "delete", "findAndModify"];

/** The collections that recorded calls write to. */
export function writtenCollections(calls: readonly Trips[]): string[] {
  const written = calls.flat(2).flatMap((command) => {
    const [name = "", collection = ""] = Object.entries(command)[0] ?? [];
    return WRITES.includes(name) ? [collection as string] : [];
  });
  return [...new Set(written)];
}
