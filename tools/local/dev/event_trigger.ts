import { setTimeout as wait } from "node:timers/promises";
import type { Clock } from "#core/clock.ts";
import type { OpenCore } from "#core/core.ts";
import type { JobHandler } from "#entry/job.ts";
import { runJob } from "#tools/local/dev/job_routes.ts";

/** Runs at once. A run that waits for a receiver must not delay the next event. */
const RUNS_AT_ONCE = 3;
/** How long the end of the stack waits for runs. */
const DRAIN_MS = 1_000;

/**
 * Runs jobs after calls that recorded an event, as the subscription filter of a deployment does (decision 29): it reads the log. Without
 * an enabled webhook nothing runs, so that events stay on their documents until the schedule.
 */
export class EventTrigger {
  readonly #runs = new Set<Promise<unknown>>();
  #start: (() => Promise<unknown>) | null = null;
  #isWaiting = false;

  /** @param clock the time at which the jobs run */
  open(jobs: readonly JobHandler[], open: OpenCore, clock: Clock): void {
    const started = jobs.filter(({ declaration }) => declaration.isStartedByEvents);
    this.#start = async () => {
      if (!(await open.core.webhooks.list()).some(({ enabled }) => enabled)) return;
      await Promise.allSettled(started.map((job) => runJob(job, open, clock)));
    };
  }

  /** Receives each log line of the functions. */
  note(line: string): void {
    if (/"events_recorded":[1-9]/.test(line)) this.#run();
  }

  #run(): void {
    if (this.#start === null) return;
    this.#isWaiting = this.#runs.size >= RUNS_AT_ONCE;
    if (this.#isWaiting) return;
    // A failed run has logged its error, and the schedule runs the job again.
    const run = this.#start().catch(() => undefined);
    this.#runs.add(run);
    void run.finally(() => {
      this.#runs.delete(run);
      if (this.#isWaiting) this.#run();
    });
  }

  async close(): Promise<void> {
    this.#start = null;
    await Promise.race([Promise.all(this.#runs), wait(DRAIN_MS)]);
  }
}
