import type { AuditLog } from "#core/repositories/audit_logs.ts";

/** A correct link or code that was refused, because its user is disabled. */
interface DisabledRefusal {
  /** Id of the link or the verification. */
  of: string;
  /** ISO. */
  at: string;
}

/** What the history of a link or a code needs to know of its user. */
export interface KnownOfUser {
  /** ISO. */
  now: string;
  refusals: readonly DisabledRefusal[];
  /** When the user was disabled, ISO; undefined: the user is not. */
  disabledAt: string | undefined;
}

/** Lists the correct links and codes that were refused, because their user is disabled. */
export const refusalsOf = (rows: readonly AuditLog[]): DisabledRefusal[] =>
  rows.flatMap(({ action, occurredAt: at, data: { cause, authorizationId: of } }) =>
    action === "user.sign_in_failed" && cause === "disabled" && of != null ? [{ of, at }] : [],
  );

/**
 * What the history adds about a message that was requested while its user is disabled. It is sent, because the requester must not learn
 * that the user is disabled.
 */
export const disabledNote = (createdAt: string, disabledAt: string | undefined): string =>
  disabledAt !== undefined && createdAt >= disabledAt
    ? "; it was sent, but signs nobody in, because the user is disabled"
    : "";
