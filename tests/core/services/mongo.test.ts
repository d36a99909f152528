import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import type { MongoClient } from "mongodb";
import { expect, test } from "vitest";
import { openMongo } from "#core/services/mongo.ts";
import { toNestError } from "#entry/answer.ts";
import { freshDatabaseUri } from "#tests/support/database.ts";
import { startTcpRelay } from "#tests/support/tcp_relay.ts";
import { serverOf, throughProxy } from "#tools/local/database/uri.ts";
import { FAULT_KINDS, type FaultKind, mongoProtocol, startFaultProxy } from "#tools/machine/fault_proxy.ts";

const FOUND_WITHIN_MS = 15_000;
const RECONNECTS = 60;

/** The driver's server monitor, which has no public accessor. */
function monitorOf(client: MongoClient): {
  connection: { socket: { write: () => boolean } };
  requestCheck(): void;
} {
  // biome-ignore lint/suspicious/noExplicitAny: a private field of the driver
  const [server] = (client as any).topology.s.servers.values();
  return server.monitor;
}

test("reconnects after an outage even if the driver's heartbeat waits forever", async () => {
  const uri = freshDatabaseUri();
  const relay = await startTcpRelay(serverOf(uri));
  const { client, database } = openMongo(throughProxy(uri, relay.port));
  const ask = () => database.collection("users").findOne({});
  await ask();
  // Simulates a socket that the server just closed: the driver then waits for it to drain.
  const monitor = monitorOf(client);
  monitor.connection.socket.write = () => false;
  monitor.requestCheck();
  await once(client, "serverHeartbeatStarted");
  relay.open();
  const end = Date.now() + FOUND_WITHIN_MS;
  let isFound = false;
  while (!isFound && Date.now() < end) {
    isFound = await ask().then(
      () => true,
      () => wait(50, false),
    );
  }
  expect(isFound).toBe(true);
  await client.close();
  await relay.close();
}, 40_000);

test.each(Object.keys(FAULT_KINDS).filter((kind) => kind !== "slow" && kind !== "dropped"))(
  "an updateMany that loses the database (%s) is unavailable",
  async (kind) => {
    const uri = freshDatabaseUri();
    const proxy = await startFaultProxy(mongoProtocol);
    proxy.forwardTo(serverOf(uri));
    const { client, database } = openMongo(throughProxy(uri, proxy.port));
    const things = database.collection<{ _id: string; number: number }>("things");
    await things.insertOne({ _id: "one", number: 0 });
    proxy.arm(kind as FaultKind, 1);
    const error = await things.updateMany({}, { $inc: { number: 1 } }).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(toNestError(error).code).toBe("unavailable");
    proxy.clear();
    await client.close();
    await proxy.close();
  },
);

test("operations under way while the client reconnects succeed or are unavailable", async () => {
  const { client, database } = openMongo(freshDatabaseUri());
  const things = database.collection<{ _id: string; number: number }>("things");
  await things.insertOne({ _id: "one", number: 0 });
  let isDone = false;
  const failures: unknown[] = [];
  const operations = [
    () => things.findOne({ _id: "one" }),
    () => things.find().toArray(),
    () => things.updateOne({ _id: "one" }, { $inc: { number: 1 } }),
    () => things.findOneAndUpdate({ _id: "one" }, { $inc: { number: 1 } }),
    () => things.countDocuments(),
  ];
  const running = operations.map(async (operate) => {
    while (!isDone) await operate().catch((error: unknown) => failures.push(error));
  });
  for (let round = 0; round < RECONNECTS; round++) {
    await client.close();
    await client.connect();
    await things.findOne().catch(() => undefined);
  }
  isDone = true;
  await Promise.all(running);
  const others = failures.filter((error) => toNestError(error).code !== "unavailable");
  expect([...new Set(others.map(String))]).toEqual([]);
  expect(failures.length).toBeGreaterThan(0);
  await client.close();
}, 60_000);
