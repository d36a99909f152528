import { ApiError } from "./api_error.ts";
import { DAY_SECONDS } from "./periods.ts";

/** The response to an API request. */
export interface Answer {
  status: number;
  body: unknown;
  requestId: string;
}

interface Entry {
  parameters: string;
  /** Unix seconds. */
  at: number;
  /** Null while the first request runs. */
  answer: Answer | null;
}

export interface IdempotencyKeys {
  /**
   * Reserves a key for a request.
   * @returns the stored response to replay, or null if this request is the first and must be executed
   * @throws ApiError if the key was used with other parameters, or if its first request still runs
   */
  begin(key: string, parameters: string, now: number): Answer | null;
  /** Stores the response of the first request. */
  finish(key: string, answer: Answer): void;
  clear(): void;
}

/** Stores the responses of idempotency keys for 24 hours (https://docs.stripe.com/api/idempotent_requests). */
export function createIdempotencyKeys(): IdempotencyKeys {
  const entries = new Map<string, Entry>();
  return {
    begin(key, parameters, now) {
      const entry = entries.get(key);
      if (entry === undefined || (entry.answer !== null && now - entry.at > DAY_SECONDS)) {
        entries.set(key, { parameters, at: now, answer: null });
        return null;
      }
      if (entry.parameters !== parameters) throw differentParameters(key);
      if (entry.answer === null) throw inUse(key);
      return entry.answer;
    },
    finish(key, answer) {
      const entry = entries.get(key);
      if (entry) entry.answer = structuredClone(answer);
    },
    clear: () => entries.clear(),
  };
}

/** Identifies the method, path and parameters of a request. The order of the parameters does not matter. */
export function fingerprintOf(method: string, path: string, form: unknown): string {
  return JSON.stringify([method, path, sorted(form)]);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return entries.map(([key, inner]) => [key, sorted(inner)]);
}

function differentParameters(key: string): ApiError {
  return new ApiError(400, {
    type: "idempotency_error",
    message: `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`,
  });
}

function inUse(key: string): ApiError {
  return new ApiError(409, {
    type: "idempotency_error",
    code: "idempotency_key_in_use",
    message: `There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): ${key}. Please try again later.`,
  });
}
