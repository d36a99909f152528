import { once } from "node:events";
import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { watch } from "chokidar";
import { appFolder } from "#app/load_app.ts";
import type { Environment } from "#core/config.ts";
import type { Result } from "#entry/answer.ts";
import type { IncomingCall } from "#tools/local/gateway.ts";
import { GatewayThread } from "#tools/local/gateway_thread.ts";

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
  /** The folders to watch. */
  folders?: readonly string[];
  /** The program of the worker thread. */
  worker?: URL;
}

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** The source, and the app whose settings it reads. */
const SOURCES = [resolve(ROOT, "src"), resolve(ROOT, appFolder)];
const WORKER = new URL("./gateway_worker.ts", import.meta.url);
/** An editor may save a file in several writes. */
const SETTLE_MS = 100;

/**
 * Opens the gateway in a worker thread, and replaces the thread when the source changes or a function crashes. Pending calls
 * end in the old thread. If the new code does not load, the old thread stays and the reason is printed.
 * @throws Error if the code does not load at the start, or the environment is invalid
 */
export async function openReloadingGateway(
  environment: Environment,
  { write, say, folders = SOURCES, worker = WORKER }: ReloadOptions,
): Promise<Invoker> {
  let isClosed = false;
  let current = await GatewayThread.open(worker, environment, write);
  let replacing = Promise.resolve();
  const replace = (reason: string) => {
    replacing = replacing.then(() => replaceNow(reason));
  };
  const replaceNow = async (reason: string) => {
    if (isClosed) return;
    try {
      const next = await GatewayThread.open(worker, environment, write);
      const old = current;
      current = next;
      superviseCrash(next);
      say(`Reloaded: ${reason}`);
      await old.drain();
    } catch (error) {
      const { message } = error as Error;
      say(
        current.hasCrashed
          ? `A function crashed and can't be loaded again, so every call fails until it loads: ${message}`
          : `The changed code does not load, so the previous code still runs: ${message}`,
      );
    }
  };
  const superviseCrash = (thread: GatewayThread) =>
    void thread.crashed.then((error) => {
      if (!isClosed && thread === current) replace(`a function crashed (${error.message})`);
    });
  superviseCrash(current);

  let timer: NodeJS.Timeout | undefined;
  // Node's own recursive watch loses a file that an editor replaces by another one.
  const watcher = watch([...folders], { ignoreInitial: true });
  watcher.on("all", (_event, path) => {
    if (!path.endsWith(".ts")) return;
    clearTimeout(timer);
    timer = setTimeout(() => replace(basename(path)), SETTLE_MS);
  });
  await once(watcher, "ready");
  return {
    invoke: (incoming) => current.invoke(incoming),
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await watcher.close();
      await replacing;
      await current.end();
    },
  };
}
