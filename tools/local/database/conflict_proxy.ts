import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { BSON } from "mongodb";

/**
 * Starts a proxy between the driver and FerretDB that reports write conflicts as mongod does.
 *
 * DocumentDB implements a unique index as an exclusion constraint, so writes that race on one key can end in a PostgreSQL
 * deadlock. mongod retries such a write itself. FerretDB returns the deadlock with a code that no driver knows, and
 * findAndModify reports a duplicate key as an internal error. The proxy retries deadlocks one at a time, because
 * simultaneous retries deadlock again, and turns the internal error into 11000. Loopback only; never part of a deployment.
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

const MAX_ATTEMPTS = 50;
/** SQLSTATE 40P01 (deadlock_detected), packed with six bits per character as DocumentDB does. */
const DEADLOCK = 16_908_292;
const DEADLOCK_BYTES = Buffer.from(new Int32Array([DEADLOCK]).buffer);
/** findAndModify reports a deadlock only in its message. */
const DEADLOCK_MESSAGE = "deadlock detected";
/** The messages for a unique index and for `_id`. */
const DUPLICATE_KEY_MESSAGES = ["violates exclusion constraint", "violates unique constraint"];
const OP_MSG = 2013;

interface Pending {
  message: Buffer;
  attempts: number;
  /** Starts the next retry. Called when this retry has its reply. */
  release: (() => void) | null;
}

/** The queue of retries of all connections. */
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
      if (request && conflict === "deadlock" && request.attempts < MAX_ATTEMPTS) {
        retry(request);
        return;
      }
      pending.delete(id);
      client.write(conflict === "duplicate key" ? duplicateKeyReply(reply) : reply);
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

/** Splits a byte stream into wire protocol messages. */
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

function conflictOf(reply: Buffer): "deadlock" | "duplicate key" | null {
  // Fast path: most replies contain none of these and are not parsed.
  if (![DEADLOCK_BYTES, DEADLOCK_MESSAGE, ...DUPLICATE_KEY_MESSAGES].some((mark) => reply.includes(mark)))
    return null;
  const body = BSON.deserialize(reply.subarray(21, 21 + reply.readInt32LE(21)));
  const errors: { code?: number }[] = Array.isArray(body.writeErrors) ? body.writeErrors : [];
  const wroteNothing = body.ok === 0 || (body.n ?? 0) === 0;
  const isDeadlockMessage = body.ok === 0 && String(body.errmsg).includes(DEADLOCK_MESSAGE);
  const deadlocked =
    isDeadlockMessage ||
    body.code === DEADLOCK ||
    (errors.length > 0 && errors.every(({ code }) => code === DEADLOCK));
  if (wroteNothing && deadlocked) return "deadlock";
  const isDuplicate =
    body.ok === 0 && DUPLICATE_KEY_MESSAGES.some((message) => String(body.errmsg).includes(message));
  return isDuplicate ? "duplicate key" : null;
}

function duplicateKeyReply(reply: Buffer): Buffer {
  const errmsg = "E11000 duplicate key error: a document with this unique key exists";
  const body = BSON.serialize({ ok: 0, code: 11000, codeName: "DuplicateKey", errmsg });
  const head = Buffer.from(reply.subarray(0, 21));
  head.writeInt32LE(head.length + body.length, 0);
  head.writeInt32LE(0, 16);
  return Buffer.concat([head, body]);
}
