import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Order, Report, TargetName } from "#tools/bench/target.ts";

const PROGRAM = fileURLToPath(new URL("runner_program.ts", import.meta.url));

/** A target in its own process. */
export class Runner {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** @param settings environment variables of the target */
  static async open(target: TargetName, settings: Record<string, string>): Promise<Runner> {
    const child = fork(PROGRAM, [target, JSON.stringify(settings)], {
      execArgv: ["--expose-gc"],
      serialization: "advanced",
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    await answerOf(child);
    return new Runner(child);
  }

  /** @throws Error if a call threw, or the process ended */
  async run(calls: readonly unknown[], inFlight: number, wanted: Partial<Order> = {}): Promise<Report> {
    const nothing = { withAnswers: false, withHeap: false, withProfile: false };
    const order: Order = { calls, inFlight, ...nothing, ...wanted };
    this.#child.send(order);
    const report = (await answerOf(this.#child)) as Report & { failure?: string };
    if (report.failure) throw new Error(report.failure);
    return report;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.send("end");
    await ended;
  }
}

async function answerOf(child: ChildProcess): Promise<unknown> {
  const ended = new AbortController();
  const exit = once(child, "exit", { signal: ended.signal }).then(
    () => {
      throw new Error("A measured process exited unexpectedly.");
    },
    () => undefined,
  );
  const [message] = (await Promise.race([once(child, "message"), exit])) as [unknown];
  ended.abort();
  return message;
}
