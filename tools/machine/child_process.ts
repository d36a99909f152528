import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";

/** The full path of a program on PATH, or null. */
export function onPath(program: string): string | null {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path)) ?? null;
}

/**
 * Runs a program to its end.
 * @throws Error with the last `longestWords` characters that it printed if it fails or takes longer than `timeoutMs`
 */
export async function run(
  program: string,
  args: readonly string[],
  options: SpawnOptions & { timeoutMs?: number; longestWords?: number } = {},
): Promise<string> {
  const { timeoutMs, longestWords = 600, ...spawnOptions } = options;
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], ...spawnOptions });
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
      `${program} ${args[0] ?? ""} failed (${code ?? "killed"}): ${printed.trim().slice(-longestWords)}`,
    );
  } finally {
    clearTimeout(timer);
  }
}

/** A server started as a child. */
export interface Server {
  process: ChildProcess;
  /** The end of what it printed, for an error message. */
  lastWords(): string;
  /** Resolves if it ends without having been stopped. */
  died: Promise<void>;
  /** Asks it to stop, and makes it stop after five seconds. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/**
 * Starts a server that dies with this process, even if this process is killed: where `setpriv` is at hand the kernel
 * sees to it, elsewhere our exit does.
 */
export function startServer(program: string, args: readonly string[], options: SpawnOptions = {}): Server {
  const setpriv = onPath("setpriv");
  const command = setpriv ? [setpriv, "--pdeathsig", "KILL", program, ...args] : [program, ...args];
  const [first = program, ...rest] = command;
  const child = spawn(first, rest, { stdio: ["ignore", "pipe", "pipe"], ...options });
  let printed = "";
  const keep = (chunk: Buffer) => {
    printed = (printed + chunk.toString()).slice(-4000);
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  child.on("error", (error) => keep(Buffer.from(error.message)));
  const killWithUs = () => child.kill("SIGKILL");
  process.once("exit", killWithUs);
  let isStopping = false;
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const died = new Promise<void>((resolve) => void ended.then(() => isStopping || resolve()));
  child.once("close", () => process.off("exit", killWithUs));
  return {
    process: child,
    lastWords: () => printed.trim(),
    died,
    async stop(signal = "SIGTERM") {
      isStopping = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** A TCP port on loopback that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}
