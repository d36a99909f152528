import type { ErrorCode, FailureKind } from "./errors.ts";

/** What a message is for: a code of Nest's, a reason why there is no response, or `other` for any other error. */
export type MessageKey = ErrorCode | FailureKind | "other";

/** A sentence for each kind of error. `{wait}` stands for the time until the next try, such as `2 minutes`. */
export type Messages = Readonly<Record<MessageKey, string>>;
