import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = new URL("../../", import.meta.url);
const TRAFFIC_LOGGER = new URL("./stripe_traffic_log.ts", import.meta.url).href;

/** A program of this project in its own process. */
export interface Program {
  process: ChildProcess;
  /** Output so far, of both streams. */
  printed(): string;
  /** Waits for output. @throws Error with the output if the program ends first */
  until(pattern: RegExp): Promise<RegExpMatchArray>;
  ended: Promise<{ status: number | null; printed: string }>;
}

/** Programs of tests must not reach the Stripe account of the developer's environment. */
const NO_STRIPE = { STRIPE_SECRET_KEY: "", STRIPE_URL: "" };

/** Runs `node <script> <args>` in the root of the project. An empty variable is unset. */
export function runProgram(
  script: string,
  args: string[] = [],
  environment: Record<string, string> = {},
): Program {
  return runCommand(process.execPath, ["--import", TRAFFIC_LOGGER, script, ...args], environment);
}

/** Runs a program on PATH in the root of the project. An empty variable is unset. */
export function runCommand(
  command: string,
  args: readonly string[],
  environment: Record<string, string> = {},
): Program {
  const env = Object.fromEntries(
    Object.entries({ ...process.env, ...NO_STRIPE, ...environment }).filter(([, value]) => value !== ""),
  );
  const child = spawn(command, args, { cwd: ROOT, env });
  let printed = "";
  const listeners = new Set<() => void>();
  const keep = (chunk: Buffer) => {
    printed += chunk.toString();
    for (const listener of listeners) listener();
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const ended = new Promise<{ status: number | null; printed: string }>((resolve) =>
    child.once("close", (status) => resolve({ status, printed })),
  );
  return {
    process: child,
    printed: () => printed,
    ended,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = printed.match(pattern);
          if (match) {
            listeners.delete(look);
            resolve(match);
          }
        };
        listeners.add(look);
        look();
        void ended.then(() => reject(new Error(`the program ended without printing ${pattern}: ${printed}`)));
      }),
  };
}

/** A new temporary folder; disposing removes it. */
export async function temporaryFolder(): Promise<{ path: string; [Symbol.asyncDispose](): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "nest-test-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Ids of all descendants of a process, from Linux's /proc. */
export async function descendants(pid: number): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const parents = await Promise.all(
    pids.map(async (id) => {
      const stat = await readFile(`/proc/${id}/stat`, "utf8").catch(() => "");
      return [id, Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1])] as const;
    }),
  );
  const childrenOf = (parent: number): number[] =>
    parents.filter(([, of]) => of === parent).flatMap(([id]) => [id, ...childrenOf(id)]);
  return childrenOf(pid);
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
