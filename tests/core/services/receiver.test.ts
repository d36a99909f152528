import type { AddressInfo } from "node:net";
import { createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { Receiver, type ReceiverReply } from "#core/services/receiver.ts";
import { ReceiverHosts } from "#core/services/receiver_hosts.ts";

const LIMIT_MS = 300;

/** Posts a message to a server that answers with bytes, and returns what became of it. */
async function postTo(answer: (socket: Socket) => void): Promise<ReceiverReply> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on("error", () => undefined));
    socket.once("data", () => answer(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const receiver = new Receiver(new ReceiverHosts([host]), LIMIT_MS);
  const reply = await receiver.post({ url: `http://${host}/`, headers: {}, body: "{}" });
  for (const socket of sockets) socket.destroy();
  server.close();
  return reply;
}

const says =
  (...lines: string[]) =>
  (socket: Socket) =>
    void socket.write(lines.join("\r\n"));

const drips = (socket: Socket, text: string) => {
  const timer = setInterval(() => socket.write(text), 20);
  socket.on("close", () => clearInterval(timer));
};

const UPGRADE = ["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket", "", ""];
const BEGUN = ["HTTP/1.1 200 OK", "Content-Length: 100", "", "begun"];

test.each<[string, (socket: Socket) => void, ReceiverReply]>([
  ["switches protocols", says(...UPGRADE), { status: 101, retryAfter: null }],
  ["switches protocols and goes on", says(...UPGRADE, "more"), { status: 101, retryAfter: null }],
  ["closes without an answer", (socket) => void socket.end(), { error: "connection" }],
  ["resets the connection", (socket) => void socket.resetAndDestroy(), { error: "connection" }],
  ["answers no HTTP", says("SSH-2.0-OpenSSH_9.6", ""), { error: "connection" }],
  ["says nothing", () => undefined, { error: "timeout" }],
  ["only ever says 100", (socket) => drips(socket, "HTTP/1.1 100 Continue\r\n\r\n"), { error: "timeout" }],
  [
    "ends a body of 200 early",
    (socket) => void socket.end(BEGUN.join("\r\n")),
    { status: 200, retryAfter: null },
  ],
  ["never ends a body of 200", says(...BEGUN), { status: 200, retryAfter: null }],
  [
    "drips a body of 503 for ever",
    (socket) => {
      says("HTTP/1.1 503 No", "Retry-After: 7", "Transfer-Encoding: chunked", "", "")(socket);
      drips(socket, "1\r\na\r\n");
    },
    { status: 503, retryAfter: "7" },
  ],
])("a receiver that %s ends the attempt", async (_case, answer, reply) => {
  expect(await postTo(answer)).toEqual(reply);
});
