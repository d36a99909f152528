import { record, safeParse, string } from "zod/mini";
import { appFolder } from "#app/load_app.ts";
import type { Environment } from "#core/config.ts";
import { CommandError } from "#tools/terminal/errors.ts";

const ANSWER_LIMIT_MS = 5_000;

/** The URL of the local stack. */
export const localUrl = ({ PORT }: Environment) => `http://localhost:${PORT || 3000}`;

/**
 * The shell's environment with the variables of the running local stack on top.
 * @returns null if no local stack runs
 * @throws CommandError if the stack runs another app: its plans and texts would not be those of this process
 */
export async function localStack(environment: Environment): Promise<Environment | null> {
  const answer = await fetch(`${localUrl(environment)}/dev/environment`, {
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
  })
    .then((response) => response.json())
    .catch(() => null);
  const { data } = safeParse(record(string(), string()), answer);
  if (!data?.MONGODB_URI) return null;
  if (data.NEST_APP !== undefined && data.NEST_APP !== appFolder)
    throw new CommandError(
      `The local stack runs ${data.NEST_APP}. Run the command with NEST_APP=${data.NEST_APP}.`,
    );
  return { ...environment, ...data };
}
