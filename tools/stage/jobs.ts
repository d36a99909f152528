import { readdir } from "node:fs/promises";
import type { JobHandler } from "#entry/job.ts";

const JOBS = new URL("../../src/jobs/", import.meta.url);

/** A file of `src/jobs`. */
export interface LoadedJob {
  /** Its path from the root of the repository. */
  source: string;
  handler: JobHandler;
}

/** Imports every job, sorted by file name. A new file in `src/jobs` is a new function; no list names it. */
export async function loadJobs(): Promise<LoadedJob[]> {
  const files = (await readdir(JOBS)).filter((file) => file.endsWith(".ts")).sort();
  return Promise.all(
    files.map(async (file) => {
      const { handler } = (await import(new URL(file, JOBS).href)) as { handler: JobHandler };
      return { source: `src/jobs/${file}`, handler };
    }),
  );
}
