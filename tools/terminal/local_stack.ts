import { record, safeParse, string } from "zod/mini";
import type { Environment } from "#core/config.ts";

const ANSWER_LIMIT_MS = 5_000;

/** The URL of the local stack. */
export const localUrl = ({ PORT }: Environment) => `http://localhost:${PORT || 3000}`;

/**
 * The shell's environment with the variables of the running local stack on top.
 * @returns null if no local stack runs
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
