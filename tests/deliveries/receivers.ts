import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * How a receiver behaves. `works`: 204. `recovers`: 500 for the first attempt of each message, then 204. `fails`: always 500.
 * `redirects`: to a server that must get nothing. `hangs`: never answers.
 */
export const KINDS = ["works", "recovers", "fails", "redirects", "hangs"] as const;
export type Kind = (typeof KINDS)[number];

/** How many receivers there are of each kind: 50, of which 10 fail, 5 hang and 2 redirect. */
const COUNTS: Readonly<Record<Kind, number>> = {
  works: 33,
  recovers: 5,
  fails: 5,
  redirects: 2,
  hangs: 5,
};

/** The kinds that get every message in the end. */
export const REACHED: readonly Kind[] = ["works", "recovers"];

/** A request that reached a receiver. */
export interface Arrival {
  messageId: string;
  /** Epoch milliseconds. */
  at: number;
  /** Null: no response. */
  status: number | null;
}

/** A server on this machine. */
export interface Receiver {
  kind: Kind;
  /** Host and port, for WEBHOOK_ALLOW_HOSTS. */
  host: string;
  arrivals: Arrival[];
}

export interface Receivers extends AsyncDisposable {
  all: readonly Receiver[];
  /** Requests that followed a redirect. */
  followed(): number;
}

/** Starts the receivers, in this process. */
export async function startReceivers(): Promise<Receivers> {
  await using starting = new AsyncDisposableStack();
  let followed = 0;
  const target = await listen((response) => {
    followed++;
    response.writeHead(204).end();
  });
  starting.defer(target.close);
  const all: Receiver[] = [];
  for (const kind of KINDS) {
    for (let number = 0; number < COUNTS[kind]; number++) {
      const arrivals: Arrival[] = [];
      const { host, close } = await listen((response, messageId) => {
        const isFirst = !arrivals.some((one) => one.messageId === messageId);
        const status = statusOf(kind, isFirst);
        arrivals.push({ messageId, at: Date.now(), status });
        const headers = status === 302 ? { location: `http://${target.host}/` } : {};
        if (status !== null) response.writeHead(status, headers).end();
      });
      starting.defer(close);
      all.push({ kind, host, arrivals });
    }
  }
  const running = starting.move();
  return { all, followed: () => followed, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

function statusOf(kind: Kind, isFirst: boolean): number | null {
  if (kind === "hangs") return null;
  if (kind === "redirects") return 302;
  return kind === "works" || (kind === "recovers" && !isFirst) ? 204 : 500;
}

/** A server on a port of its own. @param answer is called when a request was read */
async function listen(answer: (response: ServerResponse, messageId: string) => void) {
  const server = createServer((request, response) => {
    request.resume().on("end", () => answer(response, String(request.headers["webhook-id"])));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}
