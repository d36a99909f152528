import { NestError } from "#core/errors.ts";

/** Each attempt that fails means that another call changed the document, which is rare. */
const ATTEMPTS = 5;

/**
 * Makes a change that was decided from documents as they were read. If another call changed one of them before the write, the change is
 * decided again.
 * @param attempt reads, decides and writes; returns null if another call changed what it had read
 * @param detail what other calls changed, for the log
 * @returns what the attempt returned that wrote
 * @throws NestError unavailable after five attempts; what an attempt throws
 */
export async function decideAgain<Result>(
  attempt: () => Promise<Result | null>,
  detail: string,
): Promise<Result> {
  for (let count = 0; count < ATTEMPTS; count++) {
    const result = await attempt();
    if (result !== null) return result;
  }
  throw new NestError("unavailable", { detail });
}
