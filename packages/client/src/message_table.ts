import type { ErrorCode, FailureKind } from "./errors.ts";

/** What the browser throws if a passkey can't be made or used. */
type PasskeyError = "NotAllowedError" | "InvalidStateError" | "AbortError";

/** Why a person returns from an OAuth provider without a code. `declined` stands for `access_denied`. */
type ProviderError = "declined" | "account_exists" | "temporarily_unavailable" | "server_error";

/**
 * What a message is for: a code of Nest's, a reason why there is no response, an error of the browser or of a visit at a provider, or
 * `other` for any other error.
 */
export type MessageKey = ErrorCode | FailureKind | PasskeyError | ProviderError | "other";

/** A sentence for each kind of error. `{wait}` stands for the time until the next try, such as `2 minutes`. */
export type Messages = Readonly<Record<MessageKey, string>>;
