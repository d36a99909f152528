import { UsageError } from "#tools/terminal/errors.ts";

/**
 * Reads the option `--limit`.
 * @throws UsageError if it is not a whole number from 1 to `most`
 */
export function readLimit(text: string, most: number): number {
  const limit = /^\d+$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= most) return limit;
  throw new UsageError(`--limit must be a whole number from 1 to ${most}.`);
}
