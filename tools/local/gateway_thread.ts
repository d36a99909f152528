import { setTimeout as wait } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { Environment } from "#core/config.ts";
import type { Result } from "#entry/answer.ts";
import type { IncomingCall } from "#tools/local/gateway.ts";
import type { Invocation, WorkerMessage } from "#tools/local/gateway_worker.ts";

/** How long a replaced thread may take to finish its pending calls. */
const DRAIN_MS = 5_000;

/** A worker thread that runs the Lambda handlers, seen from the main thread. */
export class GatewayThread {
  readonly #worker: Worker;
  readonly #pending = new Map<number, PromiseWithResolvers<Result>>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #crashed = Promise.withResolvers<Error>();
  #lastId = 0;
  #failure: Error | null = null;

  private constructor(worker: Worker, write: (line: string) => void) {
    this.#worker = worker;
    worker.on("error", (error: Error) => this.#fail(error));
    worker.on("exit", () => this.#fail(new Error("the worker thread ended")));
    worker.on("message", (message: WorkerMessage) => this.#receive(message, write));
  }

  /**
   * Starts a thread and waits until its code is loaded.
   * @param write receives each log line
   * @throws Error if the code does not load or the environment is invalid
   */
  static async open(
    program: URL,
    environment: Environment,
    write: (line: string) => void,
  ): Promise<GatewayThread> {
    const thread = new GatewayThread(new Worker(program, { workerData: environment }), write);
    try {
      await thread.#ready.promise;
    } catch (error) {
      await thread.end();
      throw error;
    }
    return thread;
  }

  /** Resolves with the error if the thread crashes. */
  get crashed(): Promise<Error> {
    return this.#crashed.promise;
  }

  get hasCrashed(): boolean {
    return this.#failure !== null;
  }

  /** @throws Error if the function or the thread crashes */
  async invoke(incoming: IncomingCall): Promise<Result> {
    if (this.#failure) throw this.#failure;
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<Result>();
    this.#pending.set(id, answer);
    this.#worker.postMessage({ id, incoming } satisfies Invocation);
    return answer.promise;
  }

  /** Waits for the pending calls, at most five seconds, then ends the thread. */
  async drain(): Promise<void> {
    const stop = new AbortController();
    const answers = [...this.#pending.values()].map(({ promise }) => promise.catch(() => undefined));
    const timeout = wait(DRAIN_MS, undefined, { signal: stop.signal }).catch(() => undefined);
    await Promise.race([Promise.all(answers), timeout]);
    stop.abort();
    await this.end();
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #receive(message: WorkerMessage, write: (line: string) => void): void {
    if (message.kind === "line") {
      write(message.line);
    } else if (message.kind === "ready") {
      this.#ready.resolve();
    } else {
      const answer = this.#pending.get(message.id);
      this.#pending.delete(message.id);
      if (message.kind === "answer") answer?.resolve(message.result);
      else answer?.reject(new Error("the function crashed"));
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#ready.reject(error);
    this.#crashed.resolve(error);
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}
