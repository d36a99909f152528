import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { BSON } from "mongodb";

/**
 * Between the driver and FerretDB, so that conflicts look as they do on mongod.
 *
 * A unique index is an exclusion constraint in this engine, and writes that race on one key can end in a PostgreSQL
 * deadlock. mongod runs such a write again by itself; FerretDB passes the deadlock on under a number no driver knows,
 * and findAndModify calls a taken key an internal error. Here the first is run again, one at a time, since all at once
 * only deadlock again, and the second becomes 11000. Loopback only; never part of a deployment.
 */
export async function startConflictProxy(
  upstreamPort: number,
): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(upstreamPort, "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => undefined);
      socket.once("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    relay(client, upstream);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

const MOST_ATTEMPTS = 50;
/** SQLSTATE 40P01, deadlock_detected, packed six bits a character as the engine does. */
const DEADLOCK = 16_908_292;
const DEADLOCK_BYTES = Buffer.from(new Int32Array([DEADLOCK]).buffer);
/** findAndModify says it in words only. */
const DEADLOCK_WORDS = "deadlock detected";
/** Of a unique index, and of `_id`. */
const TAKEN_KEY = ["violates exclusion constraint", "violates unique constraint"];
const OP_MSG = 2013;

interface Pending {
  message: Buffer;
  attempts: number;
  /** Lets the next retry begin, once this one was answered. */
  release: (() => void) | null;
}

/** Retries of all connections, one after the other. */
let retries: Promise<void> = Promise.resolve();

function relay(client: Socket, upstream: Socket): void {
  const pending = new Map<number, Pending>();
  client.on(
    "data",
    framed((message) => {
      if (message.readInt32LE(12) === OP_MSG) {
        pending.set(message.readInt32LE(4), { message, attempts: 0, release: null });
      }
      upstream.write(message);
    }),
  );
  upstream.on(
    "data",
    framed((reply) => {
      const id = reply.readInt32LE(8);
      const request = pending.get(id);
      request?.release?.();
      const conflict = request ? conflictOf(reply) : null;
      if (request && conflict === "deadlock" && request.attempts < MOST_ATTEMPTS) {
        retry(request);
        return;
      }
      pending.delete(id);
      client.write(conflict === "taken key" ? takenKey(reply) : reply);
    }),
  );
  upstream.once("close", () => {
    for (const request of pending.values()) request.release?.();
  });

  function retry(request: Pending): void {
    request.attempts++;
    retries = retries.then(
      () =>
        new Promise<void>((resolve) => {
          request.release = resolve;
          if (upstream.destroyed) resolve();
          else upstream.write(request.message);
        }),
    );
  }
}

/** Cuts a stream of bytes into whole messages. */
function framed(take: (message: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= 4 && rest.length >= rest.readInt32LE(0)) {
      const length = rest.readInt32LE(0);
      take(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
  };
}

function conflictOf(reply: Buffer): "deadlock" | "taken key" | null {
  // Nearly every reply is passed on after these looks at its bytes.
  if (![DEADLOCK_BYTES, DEADLOCK_WORDS, ...TAKEN_KEY].some((sign) => reply.includes(sign))) return null;
  const body = BSON.deserialize(reply.subarray(21, 21 + reply.readInt32LE(21)));
  const errors: { code?: number }[] = Array.isArray(body.writeErrors) ? body.writeErrors : [];
  const wroteNothing = body.ok === 0 || (body.n ?? 0) === 0;
  const saysDeadlock = body.ok === 0 && String(body.errmsg).includes(DEADLOCK_WORDS);
  const deadlocked =
    saysDeadlock ||
    body.code === DEADLOCK ||
    (errors.length > 0 && errors.every(({ code }) => code === DEADLOCK));
  if (wroteNothing && deadlocked) return "deadlock";
  const isTaken = body.ok === 0 && TAKEN_KEY.some((words) => String(body.errmsg).includes(words));
  return isTaken ? "taken key" : null;
}

function takenKey(reply: Buffer): Buffer {
  const errmsg = "E11000 duplicate key error: a document with this unique key exists";
  const body = BSON.serialize({ ok: 0, code: 11000, codeName: "DuplicateKey", errmsg });
  const head = Buffer.from(reply.subarray(0, 21));
  head.writeInt32LE(head.length + body.length, 0);
  head.writeInt32LE(0, 16);
  return Buffer.concat([head, body]);
}
