import { fork } from "node:child_process";
import type { RunReport } from "#tests/deliveries/child.ts";

/** A process that sends deliveries. */
export interface Worker extends AsyncDisposable {
  /** Resolves when its first run, or the process, has ended. */
  started: Promise<void>;
  /** Errors of its runs. */
  errors: string[];
  /** Kills it at once. Resolves when it has ended. */
  kill(): Promise<void>;
}

/** @param startedAt see `fastClock` */
export function startWorker(environment: Record<string, string>, startedAt: number): Worker {
  const child = fork(new URL("./child.ts", import.meta.url), [], {
    env: { ...process.env, ...environment, CLOCK_STARTED_AT: String(startedAt) },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const errors: string[] = [];
  const started = Promise.withResolvers<void>();
  let isKilled = false;
  child.on("message", ({ failed, error }: RunReport) => {
    started.resolve();
    if (failed > 0) errors.push(error ?? `${failed} webhooks could not be worked`);
  });
  const ended = new Promise<void>((resolve) =>
    child.once("exit", (code) => {
      if (!isKilled) errors.push(`the worker ended with status ${code}`);
      started.resolve();
      resolve();
    }),
  );
  const kill = () => {
    isKilled = true;
    child.kill("SIGKILL");
    return ended;
  };
  return { started: started.promise, errors, kill, [Symbol.asyncDispose]: kill };
}
