import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP relay in front of a server. It can refuse connections, hang, drop connections silently, and work again. */
export async function startTcpRelay(target: { host: string; port: number }) {
  const sockets = new Set<Socket>();
  const clients = new Set<Socket>();
  const dropped = new Set<Socket>();
  let mode: "open" | "refuse" | "hang" = "open";
  const server = createServer((client) => {
    sockets.add(client);
    clients.add(client);
    client.on("error", () => undefined);
    client.once("close", () => {
      sockets.delete(client);
      clients.delete(client);
    });
    if (mode === "refuse") return void client.destroy();
    const upstream = connect(target.port, target.host);
    sockets.add(upstream);
    upstream.on("error", () => undefined);
    upstream.once("close", () => sockets.delete(upstream));
    const isPassing = () => mode === "open" && !dropped.has(client);
    client.on("data", (bytes) => void (isPassing() && upstream.write(bytes)));
    upstream.on("data", (bytes) => void (isPassing() && client.write(bytes)));
    client.once("close", () => upstream.destroy());
    upstream.once("close", () => void (dropped.has(client) || client.destroy()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    open() {
      mode = "open";
      cut();
    },
    refuse() {
      mode = "refuse";
      cut();
    },
    hang() {
      mode = "hang";
    },
    /** The connections open now lose everything without an error, as behind a gateway that forgot them. */
    dropSilently() {
      for (const client of clients) dropped.add(client);
    },
    /** The number of open connections. */
    connections: () => clients.size,
    /** Waits until the callers have closed every connection. */
    async allClosed() {
      await Promise.all([...clients].map((client) => once(client, "close")));
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      cut();
      await closed;
    },
  };
}
