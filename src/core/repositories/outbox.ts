import type { IndexDescription } from "mongodb";

/** Every event that is audited, in the order of docs/audit.md. */
export const EVENT_TYPES = [
  "user.created",
  "user.updated",
  "user.disabled",
  "user.roles_changed",
  "user.deleted",
  "user.signed_in",
  "user.sign_in_failed",
  "session.revoked",
  "token.reuse_detected",
  "identifier.added",
  "identifier.verified",
  "identifier.removed",
  "password.set",
  "password.reset_requested",
  "password.reset",
  "mfa.factor_added",
  "mfa.factor_removed",
  "mfa.recovery_code_used",
  "mfa.recovery_codes_regenerated",
  "oauth.linked",
  "oauth.unlinked",
  "role.changed",
  "account.created",
  "account.updated",
  "account.user_added",
  "account.user_removed",
  "account.user_role_changed",
  "consent.updated",
  "trial.started",
  "trial.used",
  "subscription.updated",
  "webhook.created",
  "webhook.updated",
  "webhook.deleted",
  "webhook.test",
  "webhook.disabled",
  "audit.read",
] as const;

export type EventType = (typeof EVENT_TYPES)[number];

/** Who caused an event. */
export interface Actor {
  /** `anonymous`: a caller without a valid credential. `operator`: a command of `nest`. `job`: a scheduled job. */
  type: "user" | "internal" | "anonymous" | "operator" | "stripe" | "job";
  /** The user's id, the name of the internal key, or the name of the job; null for the others. */
  id: string | null;
}

/** What an event can change. `audit_log`: what was read. */
export const TARGET_TYPES = [
  "user",
  "session",
  "identifier",
  "oauth_identity",
  "role",
  "account",
  "subscription",
  "trial",
  "webhook",
  "audit_log",
] as const;

export type TargetType = (typeof TARGET_TYPES)[number];

/** What an event changed. */
export interface EventTarget {
  type: TargetType;
  /** `all` for the audit log. */
  id: string;
}

/** Where the call came from. It is personal data, so it is removed after 90 days and by an erasure. */
export interface Origin {
  ip: string;
  userAgent: string | null;
}

/** An event on the document that it changed. The job `move_events` moves it to `audit_logs`. */
export interface StoredEvent {
  /** event_<ksuid> */
  id: string;
  type: EventType;
  /** ISO. */
  at: string;
  actor: Actor;
  target: EventTarget;
  /** The user whose account it is about; null if it is about nobody, such as a change of a role. */
  userId: string | null;
  clientId: string | null;
  /** The session whose tokens the caller had. */
  sessionId: string | null;
  requestId: string | null;
  /** Null if no call from outside caused it. */
  origin: Origin | null;
  /** Ids, and words of a fixed list. No address and no secret. */
  data: Record<string, string | null>;
}

/** The fields of a document whose changes are events. Both are absent if no event waits. */
export interface Outbox {
  /** Events that are not moved to `audit_logs` yet, the oldest first. Not in the published documents. */
  events?: StoredEvent[];
  /** When the newest of `events` happened, ISO. The job finds the document by it. Not in the published documents. */
  eventsDueAt?: string;
}

/** The fields of `Outbox`, for an export. */
export const OUTBOX_FIELDS = ["events", "eventsDueAt"] as const satisfies (keyof Outbox)[];

/**
 * Finds the documents with events. A repository that declares this index has an outbox. A query must repeat the condition of
 * the index (decision 28).
 */
export const OUTBOX_INDEX: IndexDescription = {
  key: { eventsDueAt: 1 },
  partialFilterExpression: { eventsDueAt: { $exists: true } },
};

/** The parts of an update that add events to the changed document: fields of `$push` and of `$set`. */
export const pushed = (events: readonly StoredEvent[]) => ({
  push: { events: { $each: [...events] } },
  set: events.length === 0 ? {} : { eventsDueAt: dueAt(events) },
});

/** The fields of a new document that carries events. */
export const carrying = (events: readonly StoredEvent[]): Required<Outbox> => ({
  events: [...events],
  eventsDueAt: dueAt(events),
});

const dueAt = (events: readonly StoredEvent[]) => events.at(-1)?.at ?? "";
