import middy from "@middy/core";
import type { Context } from "aws-lambda";
import { literal, object, safeParse, string, union } from "zod/mini";
import { type Core, coreVariables, type OpenCore, openCore } from "#core/core.ts";
import { describeFailure, type Fields } from "#core/log.ts";
import { readParameters } from "#core/parameters.ts";
import { toNestError } from "#entry/answer.ts";
import { beforeDeadline, bindDeadline } from "#entry/deadline.ts";
import type { OpenedParts, Parts } from "#entry/declaration.ts";
import { type Deployed, eventLambda, needsOf } from "#entry/lambda.ts";
import { openParts } from "#entry/open_parts.ts";

/** Kept at the end of a run to write the log line before Lambda stops the function. */
const LOG_MS = 1_000;
/** Kept for the last item that a run begins: a few requests to Stripe, each with its own limit. */
const LAST_ITEM_MS = 15_000;

/** What one run did, as counts of items. It names no item, because the log must not name a person. */
export interface JobOutcome {
  done: number;
  /** Items that must wait for something and that a later run finishes. */
  pending: number;
  failed: number;
}

/** A job that EventBridge runs on a schedule. */
export interface JobDeclaration<Needed extends Parts = Parts> {
  name: string;
  /** One sentence for the reference. */
  summary: string;
  /** When it runs, in UTC: an expression of EventBridge. */
  schedule: `cron(${string})` | `rate(${string})`;
  /** Whether it also runs within seconds after a call that recorded an event: the log line of the call starts it (decision 29). */
  isStartedByEvents?: boolean;
  /** The most seconds that one run takes; Lambda allows 900. */
  limitSeconds: number;
  parts: Needed;
  /**
   * Does a bounded amount of work; the next run goes on with the rest. It must be idempotent and allow overlapping runs,
   * because EventBridge delivers events at least once and Lambda retries a failed run.
   * @param asked.deadline epoch milliseconds after which it begins no further item
   */
  run(asked: { core: Core & OpenedParts<Needed>; deadline: number }): Promise<JobOutcome>;
}

/** The event that the schedule sends, and that a person sends to run the job by hand. */
export interface JobEvent {
  job: string;
}

export type JobFunction = (event: unknown, context: Context) => Promise<JobOutcome>;
export type JobHandler = Deployed<JobFunction> & { declaration: JobDeclaration };

/** Creates the Lambda handler of a job from its declaration. */
export function job<Needed extends Parts>(declaration: JobDeclaration<Needed>): JobHandler {
  const general = declaration as unknown as JobDeclaration;
  const handler = eventLambda<JobFunction>(
    needsOf(coreVariables, declaration.parts),
    (environment) => serveJob(general, openCore(environment)),
    readParameters,
  );
  return Object.assign(handler, { declaration: general });
}

/**
 * Creates a job's handler that uses an opened core. It throws if the event does not name the job, or if the job or one of
 * its items failed. Lambda then counts an error, which raises the job's alarm, and retries. One log line has the counts.
 */
export function serveJob(declaration: JobDeclaration, open: OpenCore): JobFunction {
  const core = openParts(open, declaration.parts);
  const { name } = declaration;
  const eventOfSchedule = object({ job: literal(name) });
  // Log lines, compressed. That some came is enough: the events are in the database.
  const eventOfLog = object({ awslogs: object({ data: string() }) });
  const eventOfJob = declaration.isStartedByEvents ? union([eventOfSchedule, eventOfLog]) : eventOfSchedule;
  return middy(async (event: unknown, context: Context) => {
    const startedAt = Date.now();
    const end = startedAt + context.getRemainingTimeInMillis() - LOG_MS;
    const deadline = end - LAST_ITEM_MS;
    open.mongo.trips.begin();
    const note = (outcome: "done" | "refused" | "failed", fields: Fields = {}) =>
      core.log[outcome === "done" ? "info" : "error"]("job", {
        ...{ job: name, outcome, ...fields },
        is_out_of_time: Date.now() >= deadline,
        duration_ms: Date.now() - startedAt,
        trips: open.mongo.trips.count,
        request_id: context.awsRequestId,
      });
    if (!safeParse(eventOfJob, event).success) {
      note("refused");
      throw new Error(`${name}: the event does not name this job`);
    }
    const run = declaration.run({ core: bindDeadline(core, end), deadline });
    const outcome = await beforeDeadline(end, run).catch((error: unknown) => {
      note("failed", { code: toNestError(error).code, ...describeFailure(error) });
      throw new Error(`${name} failed`);
    });
    note(outcome.failed > 0 ? "failed" : "done", { ...outcome });
    if (outcome.failed > 0) throw new Error(`${name}: ${outcome.failed} failed`);
    return outcome;
  }) as unknown as JobFunction;
}
