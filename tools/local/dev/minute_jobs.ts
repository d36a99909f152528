import type { Clock } from "#core/clock.ts";
import type { OpenCore } from "#core/core.ts";
import type { Log } from "#core/log.ts";
import type { JobHandler } from "#entry/job.ts";
import { runJob } from "#tools/local/dev/job_routes.ts";

const EVERY_MINUTE = "rate(1 minute)";
const MINUTE_MS = 60_000;

/**
 * Runs the jobs that a deployment runs every minute. Jobs that run less often are started by hand.
 * @returns a function that stops them and resolves when the last run has ended
 */
export function startMinuteJobs(
  jobs: readonly JobHandler[],
  open: OpenCore,
  clock: Clock,
): () => Promise<void> {
  const quiet: OpenCore = { ...open, core: { ...open.core, log: withoutIdleRuns(open.core.log) } };
  const everyMinute = jobs.filter(({ declaration }) => declaration.schedule === EVERY_MINUTE);
  let running: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    // A failed run has logged its error. The next run continues.
    running = Promise.allSettled(everyMinute.map((job) => runJob(job, quiet, clock)));
  }, MINUTE_MS).unref();
  return async () => {
    clearInterval(timer);
    await running;
  };
}

/** A log without the lines of runs that found nothing to do. */
function withoutIdleRuns(log: Log): Log {
  const isIdle = (event: string, { done, pending }: { done?: unknown; pending?: unknown } = {}) =>
    event === "job" && done === 0 && pending === 0;
  return { ...log, info: (event, fields) => void (isIdle(event, fields) || log.info(event, fields)) };
}
