import { record, safeParse, string } from "zod/mini";
import type { Environment } from "#core/config.ts";

const ANSWER_LIMIT_MS = 5_000;

/** Where the local stack answers. */
export const localUrl = ({ PORT }: Environment) => `http://localhost:${PORT || 3000}`;

/**
 * What the running local stack would have the operator's program work on, over this process's own environment.
 * @returns null if none runs
 */
export async function localStack(environment: Environment): Promise<Environment | null> {
  const answer = await fetch(`${localUrl(environment)}/dev/environment`, {
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
  })
    .then((response) => response.json())
    .catch(() => null);
  const { data } = safeParse(record(string(), string()), answer);
  return data?.MONGODB_URI ? { ...environment, ...data } : null;
}
