import { setTimeout as wait } from "node:timers/promises";
import { MongoClient } from "mongodb";
import type { Server } from "#tools/machine/child_process.ts";

/** Reads a server's version. @throws the driver's error if no server responds within `timeoutMs` */
export async function serverVersion(uri: string, timeoutMs: number): Promise<string> {
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: timeoutMs, connectTimeoutMS: timeoutMs });
  try {
    const info = await client.db("admin").command({ buildInfo: 1 });
    return String(info.version);
  } finally {
    await client.close();
  }
}

/**
 * Waits until a server that was just started responds.
 * @returns its version
 * @throws Error with its output if it ends, or does not respond within `timeoutMs`
 */
export async function waitUntilAnswering(uri: string, server: Server, timeoutMs = 30_000): Promise<string> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    if (server.process.exitCode !== null || server.process.signalCode !== null) {
      throw new Error(`The database ended while starting: ${server.lastOutput().slice(-600)}`);
    }
    try {
      return await serverVersion(uri, 500);
    } catch (error) {
      if (Date.now() > end)
        throw new Error(`The database did not respond: ${server.lastOutput().slice(-600)}`, { cause: error });
      await wait(50);
    }
  }
}
