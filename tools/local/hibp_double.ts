import { createHash, randomBytes } from "node:crypto";
import { ArmedFault, startDoubleServer } from "#tools/local/double_server.ts";

export const BREACH_FAULTS = ["error", "hang", "rate_limited", "none"] as const;
export type BreachFault = (typeof BREACH_FAULTS)[number];

export interface HibpDouble {
  url: string;
  /** The prefixes that were asked for, the newest last. */
  asked: { prefix: string; isPadded: boolean }[];
  /** Adds a password to the breaches. */
  add(password: string): void;
  /** Makes the next `calls` calls fail; 0 calls or the kind `none` clears the fault. */
  fault(fault: { calls: number; kind: BreachFault }): void;
  close(): Promise<void>;
}

/** Passwords that the double knows from the start. */
const BREACHED = ["a".repeat(15), "correct horse battery staple"];
const PREFIX_LENGTH = 5;
const PADDING = 20;
const ASKED_LIMIT = 1000;

const sha1 = (password: string) => createHash("sha1").update(password).digest("hex").toUpperCase();

/** Starts a double of Have I Been Pwned's range search on loopback. */
export async function startHibpDouble({ port = 0 } = {}): Promise<HibpDouble> {
  const breached = new Set(BREACHED.map(sha1));
  const asked: HibpDouble["asked"] = [];
  const faults = new ArmedFault<BreachFault>();

  const server = await startDoubleServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://hibp");
    const [, prefix] = /^\/range\/([0-9A-F]{5})$/.exec(pathname) ?? [];
    if (request.method !== "GET" || prefix === undefined) {
      response.writeHead(400).end("The hash prefix was not in a valid format");
      return;
    }
    const isPadded = request.headers["add-padding"] === "true";
    asked.push({ prefix, isPadded });
    asked.splice(0, asked.length - ASKED_LIMIT);
    const fault = faults.take();
    if (fault === "hang") return;
    if (fault !== "none") {
      response.writeHead(fault === "error" ? 503 : 429).end();
      return;
    }
    const found = [...breached].filter((hash) => hash.startsWith(prefix));
    const lines = [...found.map((hash) => `${hash.slice(PREFIX_LENGTH)}:42`), ...(isPadded ? padding() : [])];
    response.writeHead(200, { "content-type": "text/plain" }).end(lines.join("\r\n"));
  }, port);
  return {
    ...server,
    asked,
    add: (password) => void breached.add(sha1(password)),
    fault: (fault) => faults.arm(fault),
  };
}

/** Hashes that do not exist have the count 0. */
const padding = () =>
  Array.from(
    { length: PADDING },
    () => `${randomBytes(20).toString("hex").toUpperCase().slice(PREFIX_LENGTH)}:0`,
  );
