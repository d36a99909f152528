import type { Environment } from "#core/config.ts";
import { NestError } from "#core/errors.ts";
import { toNestError } from "#entry/answer.ts";

/** A command of `npm run nest -- stripe`. */
export interface Command {
  /** Each way to call it, and what that does. */
  usage: Readonly<Record<string, string>>;
  /**
   * @returns whether all is well; if not, the program ends with status 1
   * @throws UsageError, ConfigError, NestError
   */
  run(args: string[], environment: Environment): Promise<boolean>;
}

/** It was called in a way that it does not know. */
export class UsageError extends Error {}

/** A failure in a few words, without anything that a library's message could quote. */
export function inWords(error: unknown): string {
  const { code, detail, cause } = toNestError(error);
  const more = detail ?? (error instanceof NestError || !(cause instanceof Error) ? undefined : cause.name);
  return more === undefined ? code : `${code} (${more})`;
}
