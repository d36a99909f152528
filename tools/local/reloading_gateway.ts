import { watch } from "node:fs";
import { sep } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { Environment } from "#core/config.ts";
import type { Result } from "#entry/answer.ts";
import type { IncomingCall } from "#tools/local/gateway.ts";
import type { Invocation, WorkerMessage } from "#tools/local/gateway_worker.ts";

/** What the HTTP server needs of a gateway. */
export interface Invoker {
  /** @throws Error if the function crashes, as API Gateway sees it */
  invoke(incoming: IncomingCall): Promise<Result>;
  close(): Promise<void>;
}

export interface ReloadOptions {
  /** Takes a finished log line of the API. */
  write: (line: string) => void;
  /** Tells a person what happened. */
  say: (line: string) => void;
  /** The folder whose changes are loaded. */
  folder?: string;
  /** The thread's program. */
  worker?: URL;
}

const SOURCE = fileURLToPath(new URL("../../src/", import.meta.url));
const WORKER = new URL("./gateway_worker.ts", import.meta.url);
/** Editors write a file in several steps. */
const SETTLE_MS = 100;
/** A replaced thread gets this long to answer what it was asked. */
const DRAIN_MS = 5_000;

/**
 * The gateway in a thread that is replaced when source changes, or when it crashes. Calls under way end in the old one;
 * code that does not load leaves the old one in place and says why.
 */
export async function openReloadingGateway(
  environment: Environment,
  { write, say, folder = SOURCE, worker = WORKER }: ReloadOptions,
): Promise<Invoker> {
  let isClosed = false;
  let current = await openThread(worker, environment, write);
  let replacing = Promise.resolve();
  const replace = (reason: string) => {
    replacing = replacing.then(() => replaceNow(reason));
  };
  const replaceNow = async (reason: string) => {
    if (isClosed) return;
    try {
      const next = await openThread(worker, environment, write);
      const old = current;
      current = next;
      superviseCrash(next);
      say(`Reloaded: ${reason}`);
      await old.drain();
    } catch (error) {
      const { message } = error as Error;
      say(
        current.isDown()
          ? `A function crashed and can't be loaded again, so every call fails: ${message}`
          : `Not reloaded, the code before stays: ${message}`,
      );
    }
  };
  const superviseCrash = (thread: Thread) =>
    void thread.crashed.then((error) => {
      if (!isClosed && thread === current) replace(`a function crashed (${error.message})`);
    });
  superviseCrash(current);

  let timer: NodeJS.Timeout | undefined;
  const watcher = watch(folder, { recursive: true }, (_event, name) => {
    if (!name?.endsWith(".ts") || name.startsWith(`local${sep}page`)) return;
    clearTimeout(timer);
    timer = setTimeout(() => replace(name), SETTLE_MS);
  });
  return {
    invoke: (incoming) => current.invoke(incoming),
    async close() {
      isClosed = true;
      clearTimeout(timer);
      watcher.close();
      await replacing;
      await current.end();
    },
  };
}

interface Thread {
  invoke(incoming: IncomingCall): Promise<Result>;
  /** Resolves with what brought it down, if anything does. */
  crashed: Promise<Error>;
  isDown(): boolean;
  /** Ends it once it has answered. */
  drain(): Promise<void>;
  end(): Promise<void>;
}

/** @throws Error if the code does not load or the environment is not usable */
async function openThread(
  program: URL,
  environment: Environment,
  write: (line: string) => void,
): Promise<Thread> {
  const worker = new Worker(program, { workerData: environment });
  const waiting = new Map<number, PromiseWithResolvers<Result>>();
  const ready = Promise.withResolvers<void>();
  const crashed = Promise.withResolvers<Error>();
  let lastId = 0;
  let failure: Error | null = null;
  const fail = (error: Error) => {
    failure ??= error;
    ready.reject(error);
    crashed.resolve(error);
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  worker.on("error", fail);
  worker.on("exit", () => fail(new Error("it ended")));
  worker.on("message", (message: WorkerMessage) => {
    if (message.kind === "line") return write(message.line);
    if (message.kind === "ready") return ready.resolve();
    const asked = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.kind === "answer") asked?.resolve(message.result);
    else asked?.reject(new Error("the function crashed"));
  });
  const end = async () => {
    await worker.terminate();
  };
  try {
    await ready.promise;
  } catch (error) {
    await end();
    throw error;
  }
  return {
    async invoke(incoming) {
      if (failure) throw failure;
      const id = ++lastId;
      const answer = Promise.withResolvers<Result>();
      waiting.set(id, answer);
      worker.postMessage({ id, incoming } satisfies Invocation);
      return answer.promise;
    },
    crashed: crashed.promise,
    isDown: () => failure !== null,
    async drain() {
      const answers = [...waiting.values()].map(({ promise }) => promise.catch(() => undefined));
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise((resolve) => {
        timer = setTimeout(resolve, DRAIN_MS);
      });
      await Promise.race([Promise.all(answers), late]);
      clearTimeout(timer);
      await end();
    },
    end,
  };
}
