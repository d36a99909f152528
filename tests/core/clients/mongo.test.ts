import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import type { MongoClient } from "mongodb";
import { expect, test } from "vitest";
import { openMongo } from "#core/clients/mongo.ts";
import { freshDatabaseUri } from "#tests/support/database.ts";
import { startTcpRelay } from "#tests/support/tcp_relay.ts";

const FOUND_WITHIN_MS = 15_000;

/** What watches the server in the driver; nothing public leads to it. */
function monitorOf(client: MongoClient): {
  connection: { socket: { write: () => boolean } };
  requestCheck(): void;
} {
  // biome-ignore lint/suspicious/noExplicitAny: the driver's inside
  const [server] = (client as any).topology.s.servers.values();
  return server.monitor;
}

test("a database that was lost is found again even where the driver's heartbeat waits for ever", async () => {
  const real = new URL(freshDatabaseUri().replace(/^mongodb/, "http"));
  const relay = await startTcpRelay({ host: real.hostname, port: Number(real.port) });
  real.port = String(relay.port);
  real.searchParams.set("directConnection", "true");
  const { client, database } = openMongo(real.href.replace(/^http/, "mongodb"));
  const ask = () => database.collection("users").findOne({});
  await ask();
  // So a socket answers which the server has closed in this very moment: the driver then waits for it to drain.
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
