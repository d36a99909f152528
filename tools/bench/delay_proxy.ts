import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

export interface DelayProxy {
  port: number;
  /** Milliseconds by which each response is delayed. */
  delayMs: number;
  close(): Promise<void>;
}

/**
 * Starts a TCP proxy that adds a round trip time in front of a server. It delays responses only, because Node's timers
 * are no finer than a millisecond; for a client that waits for its response, the sum is the same.
 */
export async function startDelayProxy(target: { host: string; port: number }): Promise<DelayProxy> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ ...target, allowHalfOpen: true });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => undefined);
      socket.once("close", () => sockets.delete(socket));
    }
    client.on("data", (bytes) => upstream.write(bytes)).on("end", () => upstream.end());
    client.once("close", () => upstream.destroy());
    const inOrder = delayInOrder(() => proxy.delayMs);
    upstream.on("data", (bytes) => inOrder(() => client.write(bytes)));
    for (const event of ["end", "close"]) upstream.once(event, () => inOrder(() => client.end()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const proxy: DelayProxy = {
    port: (server.address() as AddressInfo).port,
    delayMs: 0,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
  return proxy;
}

/**
 * Runs actions later, each after its own delay and after all earlier actions. Delays overlap.
 * @param nextDelayMs the delay of the next action
 */
export function delayInOrder(nextDelayMs: () => number): (action: () => void) => void {
  let earlier: Promise<unknown> = Promise.resolve();
  return (action) => {
    const delayMs = nextDelayMs();
    earlier = Promise.all([earlier, delayMs > 0 ? wait(delayMs) : null]).then(action);
  };
}
