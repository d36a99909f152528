import type { Call } from "#core/call.ts";
import { byCaller, type EventSource } from "#core/events/event_source.ts";
import { recordEvent, recordOnce } from "#core/events/record_event.ts";
import type { Grant } from "#core/repositories/access_tokens.ts";
import type { Authorization } from "#core/repositories/authorizations.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { StoredEvent } from "#core/repositories/outbox.ts";
import type { RefusedBecause } from "#core/repositories/refused_because.ts";

/** A session that starts. */
interface NewSession {
  sessionId: string;
  userId: string;
  /** The grant that the user signed in with. */
  grant: Grant;
}

/** The event of a sign-in. Every run of the same sign-in gives the same id. */
export function signedIn(
  { sessionId, userId, grant }: NewSession,
  source: EventSource,
  at: string,
): StoredEvent {
  const data = { grant: grant.type, grantId: grant.value };
  const about = { userId, target: { type: "session", id: sessionId } as const, data };
  return recordOnce("user.signed_in", about, source, { id: sessionId, at });
}

/** Whose link or code was refused. */
interface RefusedSignIn extends Pick<Identifier, "userId"> {
  /** `disabled`: the link or code was correct, and its user is disabled. Absent: the error code tells why. */
  cause?: "disabled";
  /** Of all refusals of the link, the first one has a row. */
  isOnce?: true;
  /** The second factor was presented to make a session fresh. Absent: it was a sign-in. */
  purpose?: "step_up";
}

/** The event of a redemption that was refused although the caller had the link's secret. */
export function signInFailed(
  { _id: authorizationId, clientId }: Pick<Authorization, "_id" | "clientId">,
  { userId, cause, isOnce, purpose }: RefusedSignIn,
  call: Call,
  at: string,
): StoredEvent {
  const data = { authorizationId, ...(cause && { cause }), ...(purpose && { purpose }) };
  const about = { userId, target: { type: "user", id: userId } as const, data };
  const source = { ...byCaller({ kind: "anonymous" }, call), clientId };
  return isOnce
    ? recordOnce("user.sign_in_failed", about, source, { id: authorizationId, at })
    : recordEvent("user.sign_in_failed", about, source, at);
}

/** A password that was refused. Without a cause it was correct, and the user may not use the account that they chose. */
interface RefusedPassword {
  userId: string;
  clientId: string;
  cause?: RefusedBecause;
}

/** The event of a password that was refused. */
export function passwordRefused(
  { userId, clientId, cause }: RefusedPassword,
  call: Call,
  at: string,
): StoredEvent {
  const about = {
    userId,
    target: { type: "user", id: userId } as const,
    data: { grant: "password" as const, ...(cause && { cause }) },
  };
  const source = { ...byCaller({ kind: "anonymous" }, call), clientId };
  return recordEvent("user.sign_in_failed", about, source, at);
}
