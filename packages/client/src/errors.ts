import { COMMON_ERRORS, type ErrorBodies, type Errors, METHODS, type Method } from "./methods.ts";

/** Every error code that a method can return. */
export type ErrorCode<M extends Method = Method> = Errors[M];

/** Why a call has no response from Nest. */
export type FailureKind =
  /** The connection failed. Nest may have executed the call. */
  | "network"
  /** There was no response in time. Nest may have executed the call. */
  | "timeout"
  /** The caller's signal was aborted. */
  | "aborted"
  /** The response is not from Nest, or has a code of a newer version. `status` is its HTTP status. */
  | "unexpected_answer"
  /** There are no tokens, or they can't be refreshed. The user must sign in. */
  | "signed_out"
  /** The access token has expired and can't be refreshed now. The user stays signed in. `cause` is the reason. */
  | "refresh_failed"
  /** The link was not requested with this store, or is not a magic link of Nest. */
  | "unknown_link";

interface AnswerParts {
  status: number;
  code: string;
  meta?: unknown;
  reasons?: unknown;
  retryAfterSeconds: number | null;
  requestId: string | null;
}

/** An error that Nest returned. Contains no token and no email address. */
export class ErrorAnswer<M extends Method = Method, Code extends ErrorCode<M> = ErrorCode<M>> extends Error {
  readonly kind = "answer";
  declare readonly method: M;
  declare readonly code: Code;
  declare readonly status: number;
  declare readonly meta: MetaOf<Code>;
  declare readonly reasons: ReasonsOf<Code>;
  /** When to retry, in seconds. Null if the response does not state it. */
  declare readonly retryAfterSeconds: number | null;
  /** Identifies the call in Nest's log. */
  declare readonly requestId: string | null;

  constructor(method: M, parts: AnswerParts) {
    super(`${method}: ${parts.code} (${parts.status})`);
    Object.assign(this, { name: "ErrorAnswer", method, ...parts });
  }
}

type MetaOf<Code> = Code extends keyof ErrorBodies
  ? ErrorBodies[Code] extends { meta: infer Meta }
    ? Meta
    : undefined
  : undefined;
type ReasonsOf<Code> = Code extends keyof ErrorBodies
  ? ErrorBodies[Code] extends { reasons: infer Reasons }
    ? Reasons
    : undefined
  : undefined;

/** A call without a response from Nest. Contains no token and no email address. */
export class CallFailure<M extends Method = Method> extends Error {
  declare readonly kind: FailureKind;
  declare readonly method: M;
  /** Always null, so that `code` exists in both classes of errors. */
  readonly code = null;
  /** The HTTP status of an unexpected response, or null. */
  declare readonly status: number | null;

  constructor(
    method: M,
    kind: FailureKind,
    { cause, status = null }: { cause?: unknown; status?: number | null } = {},
  ) {
    super(`${method}: ${kind}${status === null ? "" : ` (${status})`}`, cause === undefined ? {} : { cause });
    Object.assign(this, { name: "CallFailure", method, kind, status });
  }
}

/**
 * All errors that a call of a method throws. `kind` distinguishes them, and `code` distinguishes the errors that Nest
 * returned.
 */
export type ClientError<M extends Method = Method> =
  | { [One in M]: { [Code in ErrorCode<One>]: ErrorAnswer<One, Code> }[ErrorCode<One>] }[M]
  | CallFailure<M>;

/**
 * Whether a thrown value is an error of a call.
 * @param method accepts only errors of this method
 * @example
 * try {
 *   await nest.call("get_marketing_consent");
 * } catch (error) {
 *   if (isClientError(error, "get_marketing_consent") && error.code === "awaiting_consent") askForConsent();
 *   else throw error;
 * }
 */
export function isClientError<M extends Method = Method>(
  error: unknown,
  method?: M,
): error is ClientError<M> {
  const isError = error instanceof ErrorAnswer || error instanceof CallFailure;
  return isError && (method === undefined || error.method === method);
}

/** Whether a method can return this code. */
export function isCodeOf<M extends Method>(method: M, code: unknown): code is ErrorCode<M> {
  return `${COMMON_ERRORS} ${METHODS[method].errors}`.split(" ").includes(code as string);
}
