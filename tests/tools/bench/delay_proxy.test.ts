import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type DelayProxy, delayInOrder, startDelayProxy } from "#tools/bench/delay_proxy.ts";

let server: Server;
let proxy: DelayProxy;
let serve: (client: Socket) => void;

beforeEach(async () => {
  server = createServer({ allowHalfOpen: true }, (client) => serve(client)).listen(0, "127.0.0.1");
  await once(server, "listening");
  proxy = await startDelayProxy({ host: "127.0.0.1", port: (server.address() as AddressInfo).port });
});
afterEach(async () => {
  await proxy.close();
  server.close();
});

/** More than the buffers of a socket. No part of it equals another. */
const LARGE = Buffer.from(Uint32Array.from({ length: 1_000_000 }, (_, index) => index).buffer);

test.each([0, 3])(
  "passes all bytes of a request and of its response with a delay of %i ms",
  async (delayMs) => {
    proxy.delayMs = delayMs;
    serve = (client) => client.pipe(client);
    const client = connect(proxy.port, "127.0.0.1");
    client.end(LARGE);
    expect((await buffer(client)).equals(LARGE)).toBe(true);
  },
);

test("passes a delayed response before the end of its connection", async () => {
  proxy.delayMs = 20;
  serve = (client) => client.end("the response");
  const client = connect(proxy.port, "127.0.0.1");
  expect((await buffer(client)).toString()).toBe("the response");
});

test("closes the connection to the server after the client's", async () => {
  const closed = new Promise<void>((resolve) => {
    serve = (client) => client.resume().once("end", resolve);
  });
  const client = connect(proxy.port, "127.0.0.1");
  await once(client, "connect");
  client.destroy();
  await closed;
});

test("runs actions in their order when a later action has a shorter delay", async () => {
  const delays = [30, 0, 10, 0];
  const inOrder = delayInOrder(() => delays.shift() ?? 0);
  const order: string[] = [];
  for (const name of ["30 ms", "no delay", "10 ms"]) inOrder(() => order.push(name));
  await new Promise<void>((resolve) => inOrder(resolve));
  expect(order).toEqual(["30 ms", "no delay", "10 ms"]);
});
