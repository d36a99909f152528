import { randomUUID } from "node:crypto";
import type { Context } from "aws-lambda";
import type { Clock } from "#core/clock.ts";
import type { OpenCore } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { type JobHandler, type JobOutcome, serveJob } from "#entry/job.ts";
import { type DevRoute, route } from "#tools/local/dev/route.ts";

/**
 * The route that runs a job, which a schedule runs in a deployment.
 * @param clock the time at which the job runs, such as the Stripe double's, which a script can advance
 */
export function jobRoutes(jobs: readonly JobHandler[], open: OpenCore, clock: Clock): DevRoute[] {
  return [
    route("POST", "/dev/jobs/:id", null, (_request, name) => {
      const found = jobs.find(({ declaration }) => declaration.name === name);
      if (!found) throw new NestError("not_found");
      return runJob(found, open, clock);
    }),
  ];
}

/** Runs a job once, with the event of its schedule. @throws Error as `serveJob` */
export function runJob({ declaration }: JobHandler, open: OpenCore, clock: Clock): Promise<JobOutcome> {
  const atTime: OpenCore = { ...open, core: { ...open.core, clock } };
  const endsAt = Date.now() + declaration.limitSeconds * 1000;
  return serveJob(declaration, atTime)({ job: declaration.name }, {
    awsRequestId: randomUUID(),
    getRemainingTimeInMillis: () => endsAt - Date.now(),
  } as Context);
}
