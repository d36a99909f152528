import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { BSON } from "mongodb";

/** How a dependency fails, from its n-th step on. */
export const FAULT_KINDS = {
  refuse: "the step never reaches the dependency, and new connections fail",
  hang: "neither the step nor anything after it reaches the dependency; there is no response",
  lost: "the dependency executes the step; the response is lost",
  cut: "the dependency executes the step; the response breaks off in the middle",
  slow: "every response from this step on takes more than a second",
  overloaded: "the dependency refuses this step and every later step because it is overloaded",
  interrupted: "the dependency fails at this step only",
  dropped: "the open connections lose everything without an error; new connections work",
} as const;
/** A fault of Stripe only: its API does not know an object yet whose webhook it has sent. */
export const MISSING = "missing";
export type FaultKind = keyof typeof FAULT_KINDS | typeof MISSING;
/** Faults in which the dependency returns an error. */
type Refusal = "overloaded" | "interrupted" | typeof MISSING;

const SLOW_MS = 1_100;

/** Splits a stream of bytes into requests. */
export interface Protocol {
  /** @returns whole messages, each with the name of its step, or null if it is not a step; and the incomplete rest */
  read(bytes: Buffer): { pieces: { bytes: Buffer; step: string | null }[]; rest: Buffer };
  /** The dependency's error response to one message. */
  refuse(message: Buffer, kind: Refusal): Buffer;
}

/** MongoDB's wire protocol: a step is a command, except for the commands with which the driver monitors its server. */
export const mongoProtocol: Protocol = {
  read(bytes) {
    const pieces: { bytes: Buffer; step: string | null }[] = [];
    let rest = bytes;
    while (rest.length >= 4 && rest.length >= rest.readInt32LE(0)) {
      const message = rest.subarray(0, rest.readInt32LE(0));
      pieces.push({ bytes: message, step: commandIn(message) });
      rest = rest.subarray(message.length);
    }
    return { pieces, rest };
  },
  refuse(message, kind) {
    const body = BSON.serialize({ ok: 0, ...SERVER_ERRORS[kind === "overloaded" ? kind : "interrupted"] });
    const reply = Buffer.alloc(21 + body.length);
    reply.writeInt32LE(reply.length, 0);
    reply.writeInt32LE(message.readInt32LE(4), 8);
    reply.writeInt32LE(OP_MSG, 12);
    reply.set(body, 21);
    return reply;
  },
};

/** As mongod 8 sheds load, and as it ends an operation (`error_codes.yml` of the server). */
const SERVER_ERRORS = {
  overloaded: {
    code: 462,
    codeName: "IngressRequestRateLimitExceeded",
    errmsg: "rate limit exceeded",
    errorLabels: ["SystemOverloadedError", "RetryableError", "NoWritesPerformed"],
  },
  interrupted: { code: 11601, codeName: "Interrupted", errmsg: "operation was interrupted" },
};

const OP_MSG = 2013;
const MONITORING = ["hello", "ismaster", "isMaster", "ping", "endSessions", "buildInfo"];

/** Such as `find sessions`. A command's first field is its name; its value is usually the collection. */
function commandIn(message: Buffer): string | null {
  if (message.readInt32LE(12) !== OP_MSG) return null;
  const end = message.indexOf(0, 26);
  const command = message.toString("utf8", 26, end);
  if (MONITORING.includes(command)) return null;
  const isText = message[25] === 2;
  return isText ? `${command} ${message.toString("utf8", end + 5, message.indexOf(0, end + 5))}` : command;
}

/** HTTP: a step is a request. */
export const httpProtocol: Protocol = {
  read(bytes) {
    const [, method, path = ""] =
      /^([A-Z]+) (\S+) HTTP\/1\.1\r\n/.exec(bytes.toString("latin1", 0, 500)) ?? [];
    const step = method === undefined ? null : `${method} ${path.split("?")[0]?.replace(/_\w{14,}/g, "_…")}`;
    return { pieces: [{ bytes, step }], rest: Buffer.alloc(0) };
  },
  refuse(_message, kind) {
    const [status, type, code] = HTTP_ERRORS[kind];
    const body = JSON.stringify({ message: kind, error: { type: "api_error", code, message: kind } });
    return Buffer.from(
      `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\nx-amzn-errortype: ${type}\r\n` +
        `content-length: ${body.length}\r\n\r\n${body}`,
    );
  },
};

/** Status, error type of AWS, and error code of Stripe. */
const HTTP_ERRORS: Record<Refusal, readonly [string, string, string]> = {
  overloaded: ["429 Too Many Requests", "TooManyRequestsException", "rate_limit"],
  interrupted: ["500 Internal Server Error", "InternalServiceErrorException", "api_error"],
  missing: ["404 Not Found", "NotFoundException", "resource_missing"],
};

export interface FaultProxy {
  host: string;
  port: number;
  /** Sets the server behind the proxy. */
  forwardTo(target: { host: string; port: number }): void;
  /** The steps since the last `arm` or `clear`, in their order. */
  steps: string[];
  /** Whether the armed fault has started. */
  readonly hasStarted: boolean;
  /** Starts a fault at the n-th step from now. */
  arm(kind: FaultKind, at: number): void;
  /** Refuses connections from now on. */
  refuse(): void;
  /** Ends the fault and cuts connections that wait for a response that will not come. */
  clear(): void;
  close(): Promise<void>;
}

/** A TCP proxy that counts the steps to a server and starts a fault at a step that a test names. */
export async function startFaultProxy(protocol: Protocol): Promise<FaultProxy> {
  const sockets = new Set<Socket>();
  const steps: string[] = [];
  let target = { host: "127.0.0.1", port: 0 };
  let armed: { kind: FaultKind; at: number } | null = null;
  let hasStarted = false;
  let isDown = false;
  let isHung = false;
  let isSlow = false;
  let isOverloaded = false;
  /** Sockets of connections that lose everything. */
  const dropped = new Set<Socket>();

  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
  };
  const cutAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  /** @returns the fault that starts at this step; null: none */
  const take = (step: string): FaultKind | null => {
    steps.push(step);
    if (armed === null || steps.length !== armed.at) return null;
    const { kind } = armed;
    hasStarted = true;
    if (kind === "refuse") isDown = true;
    if (kind === "hang") isHung = true;
    if (kind === "slow") isSlow = true;
    if (kind === "overloaded") isOverloaded = true;
    if (kind === "dropped") for (const socket of sockets) dropped.add(socket);
    return kind;
  };

  const server = createServer((client) => {
    keep(client);
    if (isDown) return void client.destroy();
    const upstream = connect(target.port, target.host);
    keep(upstream);
    client.once("close", () => upstream.destroy());
    upstream.once("close", () => client.destroy());
    let unread: Buffer = Buffer.alloc(0);
    let answer: "cut" | "lost" | null = null;
    client.on("data", (bytes) => {
      const { pieces, rest } = protocol.read(Buffer.concat([unread, bytes]));
      unread = rest;
      for (const piece of pieces) {
        const fault = piece.step === null ? null : take(piece.step);
        if (isDown) return cutAll();
        if (isHung || dropped.has(client)) return;
        const refusal = isOverloaded ? "overloaded" : fault;
        if (
          piece.step !== null &&
          (refusal === "overloaded" || refusal === "interrupted" || refusal === MISSING)
        ) {
          client.write(protocol.refuse(piece.bytes, refusal));
          continue;
        }
        if (fault === "cut" || fault === "lost") answer = fault;
        upstream.write(piece.bytes);
      }
    });
    upstream.on("data", (bytes) => {
      if (isHung || answer === "lost" || dropped.has(client)) return;
      if (answer === "cut") return void client.end(bytes.subarray(0, bytes.length / 2));
      if (isSlow) setTimeout(() => client.write(bytes), SLOW_MS);
      else client.write(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  return {
    host: "127.0.0.1",
    port: (server.address() as AddressInfo).port,
    forwardTo(wanted) {
      target = wanted;
    },
    steps,
    get hasStarted() {
      return hasStarted;
    },
    arm(kind, at) {
      steps.length = 0;
      hasStarted = false;
      armed = { kind, at };
    },
    refuse() {
      isDown = true;
      cutAll();
    },
    clear() {
      const wasSilent = isDown || isHung || armed?.kind === "lost" || dropped.size > 0;
      armed = null;
      isDown = isHung = isSlow = isOverloaded = false;
      dropped.clear();
      steps.length = 0;
      if (wasSilent) cutAll();
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      cutAll();
      await closed;
    },
  };
}
