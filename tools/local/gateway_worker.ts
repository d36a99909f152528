/** The worker thread that runs the Lambda handlers. It is replaced to load changed code while the port stays open. */
import { parentPort, workerData } from "node:worker_threads";
import app from "#app";
import type { Result } from "#entry/answer.ts";
import { type IncomingCall, openGateway } from "#tools/local/gateway.ts";
import { withSampleClients } from "#tools/local/sample_clients.ts";

export interface Invocation {
  id: number;
  incoming: IncomingCall;
}
export type WorkerMessage =
  | { kind: "ready" }
  | { kind: "line"; line: string }
  | { kind: "answer"; id: number; result: Result }
  | { kind: "crash"; id: number };

const send = (message: WorkerMessage) => parentPort?.postMessage(message);

const gateway = await openGateway(workerData as Record<string, string>, {
  app: withSampleClients(app, (workerData as Record<string, string>).ISSUER),
  write: (line) => send({ kind: "line", line }),
});
parentPort?.on("message", async ({ id, incoming }: Invocation) => {
  try {
    // A Buffer arrives as a plain Uint8Array.
    const body = incoming.body && Buffer.from(incoming.body);
    send({ kind: "answer", id, result: await gateway.invoke({ ...incoming, body }) });
  } catch {
    send({ kind: "crash", id });
  }
});
send({ kind: "ready" });
