import { FAILED_PASSWORDS_LIMIT, type RefusedBecause } from "#core/repositories/refused_because.ts";

/** The causes that rows of the audit log name. Callers get the same error for all of them. */
const CAUSES: Readonly<Record<RefusedBecause, string>> = {
  wrong: "the password was wrong",
  locked: `the password is locked after ${FAILED_PASSWORDS_LIMIT} wrong ones, until the user sets a new one`,
  none: "the user has no password",
  disabled: "the user was disabled",
};

/** What a support employee should know about the errors that callers get without a reason. */
const ERRORS: Readonly<Partial<Record<string, string>>> = {
  // Rows of earlier versions do not name the cause.
  invalid_credentials: "the password was wrong or is locked, or the user has none",
  account_not_found: "the user is no member of the account that the app asked for",
  verification_not_found: "the code was wrong, used, expired or replaced",
  incorrect_code_verifier: "another device opened the link",
  mfa_failed: "the code of the second factor, or the recovery code, was wrong or used",
};

/** A row of the audit log about a sign-in that was refused. */
interface Refusal {
  errorCode: string;
  /** Null or absent: the row names no cause. */
  cause?: string | null | undefined;
}

/** Why a sign-in was refused, in words that complete "the sign-in failed:". The error code stands for itself if there are none. */
export const describeRefusal = ({ errorCode, cause }: Refusal): string =>
  CAUSES[cause as RefusedBecause] ?? ERRORS[errorCode] ?? errorCode;
