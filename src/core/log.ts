/** A value of a log line. Never a secret, a token, a code or an email address. */
type Field = string | number | boolean | null | undefined | readonly string[];
export type Fields = Record<string, Field>;
type Level = "info" | "warn" | "error";

export interface Log {
  info(event: string, fields?: Fields): void;
  warn(event: string, fields?: Fields): void;
  error(event: string, fields?: Fields): void;
}

/**
 * The Lambda function that writes the line, such as `stripe_webhook` or `get_user-2021-10-06`; undefined outside
 * Lambda. All functions of a stage write to one log group.
 */
export const functionName = process.env.AWS_LAMBDA_FUNCTION_NAME?.replace(/^nest-[a-z]+-/, "");

/**
 * Creates a log that writes one JSON object per line.
 * @param write receives a finished line without its newline
 */
export function createLog(write: (line: string) => void, now: () => Date): Log {
  const at =
    (level: Level) =>
    (event: string, fields: Fields = {}) =>
      write(JSON.stringify({ level, event, time: now().toISOString(), function: functionName, ...fields }));
  return { info: at("info"), warn: at("warn"), error: at("error") };
}

/**
 * Describes a failure for the log: its class, code and stack frames, without its message. The message of a driver or
 * SDK can quote the document or the email address that it failed on.
 */
export function describeFailure(error: unknown): Fields {
  if (!(error instanceof Error)) return { failure: typeof error };
  const code =
    "code" in error && (typeof error.code === "string" || typeof error.code === "number")
      ? error.code
      : undefined;
  const frames = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  return {
    failure: error.name,
    failure_code: code,
    detail: "detail" in error && typeof error.detail === "string" ? error.detail : undefined,
    at: frames.slice(0, 4).map((line) => line.trim()),
    cause: error.cause instanceof Error ? error.cause.name : undefined,
  };
}
