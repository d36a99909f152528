import { summarizeError } from "#tools/terminal/command.ts";
import { CommandError, UsageError } from "#tools/terminal/errors.ts";

/**
 * Returns the message that the terminal shows for a failure. Messages of drivers and SDKs may quote the request, so
 * only the names of their errors are shown.
 */
export function explainError(error: unknown): string {
  if (error instanceof CommandError || error instanceof UsageError) return error.message;
  if (error instanceof Error && /^Mongo/.test(error.name))
    return `This machine can't reach the database of MONGODB_URI (${error.name}). Check its network access list.`;
  return summarizeError(error);
}
