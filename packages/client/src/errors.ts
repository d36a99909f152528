import { COMMON_ERRORS, ERRORS, type ErrorBodies, type Errors, type Method } from "./methods.ts";

/** Every code that a method can answer with. */
export type ErrorCode<M extends Method = Method> = Errors[M];

/** Why a call has no answer of Nest's. */
export type FailureKind =
  /** Nothing could be reached. The call may have arrived all the same. */
  | "network"
  /** No answer in time. The call may have arrived all the same. */
  | "timeout"
  /** The caller's signal said so. */
  | "aborted"
  /** What answered was not Nest, or a newer one with a code that this client does not know; `status` has its status. */
  | "unexpected_answer"
  /** There are no tokens, or they can't be refreshed any more: the person must sign in. */
  | "signed_out"
  /** The access token has ended and a new one can't be had now; nobody is signed out. `cause` says why. */
  | "refresh_failed"
  /** The link was not asked for by a client of this store, or is no link. */
  | "unknown_link";

interface AnswerParts {
  status: number;
  body: { code: string; meta?: unknown; reasons?: unknown };
  retryAfterSeconds: number | null;
  requestId: string | null;
}

/** An error that Nest answered with. Holds no token and no address. */
export class ErrorAnswer<M extends Method = Method, Code extends ErrorCode<M> = ErrorCode<M>> extends Error {
  readonly kind = "answer";
  readonly method: M;
  readonly code: Code;
  readonly status: number;
  readonly meta: MetaOf<Code>;
  readonly reasons: ReasonsOf<Code>;
  /** When to ask again; null if that would not help or nobody knows. */
  readonly retryAfterSeconds: number | null;
  /** Names the call in Nest's log. */
  readonly requestId: string | null;

  constructor(method: M, { status, body, retryAfterSeconds, requestId }: AnswerParts) {
    super(`${method}: ${body.code} (${status})`);
    this.name = "ErrorAnswer";
    this.method = method;
    this.code = body.code as Code;
    this.status = status;
    this.meta = body.meta as MetaOf<Code>;
    this.reasons = body.reasons as ReasonsOf<Code>;
    this.retryAfterSeconds = retryAfterSeconds;
    this.requestId = requestId;
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

/** A call that has no answer of Nest's. Holds no token and no address. */
export class CallFailure<M extends Method = Method> extends Error {
  readonly kind: FailureKind;
  readonly method: M;
  /** Never there, so that `code` can be asked of either kind of error. */
  readonly code = null;
  /** Of an unexpected answer; else null. */
  readonly status: number | null;

  constructor(
    method: M,
    kind: FailureKind,
    { cause, status = null }: { cause?: unknown; status?: number | null } = {},
  ) {
    super(`${method}: ${kind}${status === null ? "" : ` (${status})`}`, cause === undefined ? {} : { cause });
    this.name = "CallFailure";
    this.method = method;
    this.kind = kind;
    this.status = status;
  }
}

/** Everything that a call of a method can throw: told apart by `kind`, and an answer by `code`. */
export type ClientError<M extends Method = Method> =
  | { [One in M]: { [Code in ErrorCode<One>]: ErrorAnswer<One, Code> }[ErrorCode<One>] }[M]
  | CallFailure<M>;

/**
 * Whether something thrown is an error of a call, of one method if it is named.
 * @example
 * try {
 *   await nest.call("get_marketing_consent");
 * } catch (error) {
 *   if (isClientError(error, "get_marketing_consent") && error.code === "awaiting_consent") ask();
 *   else throw error;
 * }
 */
export function isClientError<M extends Method = Method>(
  error: unknown,
  method?: M,
): error is ClientError<M> {
  const isOurs = error instanceof ErrorAnswer || error instanceof CallFailure;
  return isOurs && (method === undefined || error.method === method);
}

/** Whether a method is known to answer with a code. */
export function isCodeOf<M extends Method>(method: M, code: unknown): code is ErrorCode<M> {
  return ([...COMMON_ERRORS, ...ERRORS[method]] as unknown[]).includes(code);
}
