import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The full path of a program on PATH, or null. */
export function onPath(program: string): string | null {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path)) ?? null;
}

/**
 * Runs a program and waits for its end. The program is killed if this process exits first.
 * @param options `spawn`'s options; `timeoutMs` kills the program; `errorLength` is in characters
 * @returns what it printed, both streams
 * @throws Error with the last `errorLength` characters that it printed, if it fails or exceeds `timeoutMs`
 */
export async function run(
  program: string,
  args: readonly string[],
  options: SpawnOptions & { timeoutMs?: number; errorLength?: number } = {},
): Promise<string> {
  const { timeoutMs, errorLength = 600, ...spawnOptions } = options;
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], ...spawnOptions });
  const killChild = () => child.kill("SIGKILL");
  process.once("exit", killChild);
  const output: string[] = [];
  child.stdout?.on("data", (chunk: Buffer) => output.push(chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => output.push(chunk.toString()));
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    const printed = output.join("");
    if (code === 0) return printed;
    throw new Error(
      `${program} ${args[0] ?? ""} failed (${code ?? "killed"}): ${printed.trim().slice(-errorLength)}`,
    );
  } finally {
    clearTimeout(timer);
    process.off("exit", killChild);
  }
}

/** A server that runs as a child process. */
export interface Server {
  process: ChildProcess;
  /** The last 4000 characters that it printed, for an error message. */
  lastOutput(): string;
  /** Resolves if the server ends without a call of `stop`. */
  died: Promise<void>;
  /** Sends a signal, and SIGKILL after five seconds. Resolves when the server has ended. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

const SUPERVISOR = fileURLToPath(new URL("./supervisor.ts", import.meta.url));

/**
 * Starts a server that ends with this process, even if this process is killed: by `setpriv` (Linux), else by a supervisor
 * process.
 */
export function startServer(program: string, args: readonly string[], options: SpawnOptions = {}): Server {
  const setpriv = onPath("setpriv");
  const [first, ...rest] = setpriv
    ? [setpriv, "--pdeathsig", "KILL", program, ...args]
    : [process.execPath, SUPERVISOR, program, ...args];
  const child = spawn(first, rest, { stdio: [setpriv ? "ignore" : "pipe", "pipe", "pipe"], ...options });
  let printed = "";
  const keep = (chunk: Buffer) => {
    printed = (printed + chunk.toString()).slice(-4000);
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  child.on("error", (error) => keep(Buffer.from(error.message)));
  // A killed supervisor could not kill its server.
  const killChild = () => (child.stdin ? child.stdin.destroy() : child.kill("SIGKILL"));
  process.once("exit", killChild);
  let isStopping = false;
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const died = new Promise<void>((resolve) => void ended.then(() => isStopping || resolve()));
  child.once("close", () => process.off("exit", killChild));
  return {
    process: child,
    lastOutput: () => printed.trim(),
    died,
    async stop(signal = "SIGTERM") {
      isStopping = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      if (signal === "SIGKILL") killChild();
      else child.kill(signal);
      const timer = setTimeout(killChild, 5000);
      await ended;
      clearTimeout(timer);
    },
  };
}

/**
 * Ports that Linux and macOS never choose by themselves: they take those of outgoing connections, and of servers that listen
 * on port 0, from 32,768 up.
 */
const CHOSEN_PORTS = { from: 10_000, to: 32_767 };

/**
 * Finds a free TCP port on loopback for a server that starts later. The operating system gives the port to no connection
 * meanwhile. Two simultaneous calls rarely find the same port, because it is random.
 */
export async function freePort({ from, to } = CHOSEN_PORTS): Promise<number> {
  const port = randomInt(from, to + 1);
  return (await isFree(port)) ? port : freePort({ from, to });
}

/** @throws Error if the port can't be opened for another reason than that it is in use */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? resolve(false) : reject(error),
    );
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
