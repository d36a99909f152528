import { summarizeError } from "#tools/terminal/command.ts";
import { CommandError, UsageError } from "#tools/terminal/errors.ts";

/**
 * Returns what a person reads about a failure. Messages of drivers and SDKs may quote what was sent, so only their names
 * are shown.
 */
export function explainError(error: unknown): string {
  if (error instanceof CommandError || error instanceof UsageError) return error.message;
  if (error instanceof Error && /^Mongo/.test(error.name))
    return `This machine can't reach the database of MONGODB_URI (${error.name}). Check its network access list.`;
  return summarizeError(error);
}
