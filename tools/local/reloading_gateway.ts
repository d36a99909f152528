import { watch } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { Environment } from "#core/config.ts";
import type { Result } from "#entry/answer.ts";
import type { IncomingCall } from "#tools/local/gateway.ts";
import type { Invocation, WorkerMessage } from "#tools/local/gateway_worker.ts";

/** The part of a gateway that the HTTP server uses. */
export interface Invoker {
  /** @throws Error if the function crashes */
  invoke(incoming: IncomingCall): Promise<Result>;
  close(): Promise<void>;
}

export interface ReloadOptions {
  /** Receives each log line of the API. */
  write: (line: string) => void;
  /** Prints a line for the developer. */
  say: (line: string) => void;
  /** The source folder to watch. */
  folder?: string;
  /** The program of the worker thread. */
  worker?: URL;
}

const SOURCE = fileURLToPath(new URL("../../src/", import.meta.url));
const WORKER = new URL("./gateway_worker.ts", import.meta.url);
/** An editor may save a file in several writes. */
const SETTLE_MS = 100;
/** How long a replaced thread may take to answer its pending calls. */
const DRAIN_MS = 5_000;

/**
 * Opens the gateway in a worker thread, and replaces the thread when the source changes or a function crashes. Pending calls
 * end in the old thread. If the new code does not load, the old thread stays and the reason is printed.
 * @throws Error if the code does not load at the start, or the environment is invalid
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
          ? `A function crashed and can't be loaded again, so every call fails until it loads: ${message}`
          : `The changed code does not load, so the previous code still runs: ${message}`,
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
    if (!name?.endsWith(".ts")) return;
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
  /** Resolves with the error if the thread crashes. */
  crashed: Promise<Error>;
  isDown(): boolean;
  /** Waits for the pending calls, then ends the thread. */
  drain(): Promise<void>;
  end(): Promise<void>;
}

/** @throws Error if the code does not load or the environment is invalid */
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
  worker.on("exit", () => fail(new Error("the worker thread ended")));
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
