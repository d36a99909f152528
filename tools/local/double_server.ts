import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A server on loopback that answers as a service does. */
export interface DoubleServer {
  url: string;
  close(): Promise<void>;
}

/** Answers a request, or leaves it without an answer. */
type Serve = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/**
 * Starts the server of a double.
 * @param port 0 picks a free port
 * @throws Error EADDRINUSE if the port is in use
 */
export async function startDoubleServer(serve: Serve, port = 0): Promise<DoubleServer> {
  const server = createServer(async (request, response) => {
    try {
      await serve(request, response);
    } catch (error) {
      // Only a body that is too large, since doubles answer their own errors.
      response.writeHead(error instanceof BodyTooLarge ? 413 : 500).end();
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** A body is larger than the service accepts. */
export class BodyTooLarge extends Error {}

/**
 * Reads the body of a request as text.
 * @param limit bytes
 * @throws BodyTooLarge
 */
export async function readText(request: IncomingMessage, limit: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw new BodyTooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** A fault of the next calls of a double. */
export class ArmedFault<Kind extends string> {
  #calls = 0;
  #kind: Kind | "none" = "none";

  /** Arms a fault for the next `calls` calls; 0 calls or the kind `none` clears it. */
  arm({ calls, kind }: { calls: number; kind: Kind | "none" }): void {
    this.#calls = calls;
    this.#kind = kind;
  }

  /** The fault of this call. */
  take(): Kind | "none" {
    if (this.#calls === 0) return "none";
    this.#calls--;
    return this.#kind;
  }
}
