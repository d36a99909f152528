import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP relay in front of a server. It can refuse connections, hang, and work again. */
export async function startTcpRelay(target: { host: string; port: number }) {
  const sockets = new Set<Socket>();
  let mode: "open" | "refuse" | "hang" = "open";
  const server = createServer((client) => {
    sockets.add(client);
    client.on("error", () => undefined);
    client.once("close", () => sockets.delete(client));
    if (mode === "refuse") return void client.destroy();
    const upstream = connect(target.port, target.host);
    sockets.add(upstream);
    upstream.on("error", () => undefined);
    upstream.once("close", () => sockets.delete(upstream));
    client.on("data", (bytes) => void (mode === "open" && upstream.write(bytes)));
    upstream.on("data", (bytes) => void (mode === "open" && client.write(bytes)));
    client.once("close", () => upstream.destroy());
    upstream.once("close", () => client.destroy());
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
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      cut();
      await closed;
    },
  };
}
