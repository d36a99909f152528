import { ApiError } from "./api_error.ts";
import { DAY } from "./periods.ts";

/** An answer as it is kept for a key. */
export interface Answer {
  status: number;
  body: unknown;
  requestId: string;
}

interface Entry {
  parameters: string;
  at: number;
  answer: Answer | null;
}

export interface IdempotencyKeys {
  /** The kept answer to replay, or null when this call is the first and has now taken the key. */
  begin(key: string, parameters: string, now: number): Answer | null;
  finish(key: string, answer: Answer): void;
  /** Lets go of a key whose call was refused before anything was executed. */
  release(key: string): void;
  clear(): void;
}

/** Stripe's memory of idempotency keys: 24 hours, bound to the parameters of their first use. */
export function createIdempotencyKeys(): IdempotencyKeys {
  const entries = new Map<string, Entry>();
  return {
    begin(key, parameters, now) {
      const entry = entries.get(key);
      if (entry === undefined || (entry.answer !== null && now - entry.at > DAY)) {
        entries.set(key, { parameters, at: now, answer: null });
        return null;
      }
      if (entry.parameters !== parameters) throw otherParameters(key);
      if (entry.answer === null) throw inUse(key);
      return entry.answer;
    },
    finish(key, answer) {
      const entry = entries.get(key);
      if (entry) entry.answer = structuredClone(answer);
    },
    release: (key) => void entries.delete(key),
    clear: () => entries.clear(),
  };
}

/** Equal for calls that Stripe takes for the same, whatever the order of their parameters. */
export function fingerprintOf(method: string, path: string, form: unknown): string {
  return JSON.stringify([method, path, sorted(form)]);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return entries.map(([key, inner]) => [key, sorted(inner)]);
}

function otherParameters(key: string): ApiError {
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
