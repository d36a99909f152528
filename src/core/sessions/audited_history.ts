import type { AuditLog } from "#core/repositories/audit_logs.ts";
import type { EventType, Outbox, StoredEvent } from "#core/repositories/outbox.ts";

/**
 * The events that the history takes from the audit log, in words for support staff. It derives the other events from
 * links, codes and sessions.
 */
const WORDS = {
  "user.created": "the user was created",
  "user.sign_in_failed": "a sign-in failed",
  "identifier.added": "an address or a phone number was added",
  "identifier.verified": "an address or a phone number was verified",
} as const satisfies Partial<Record<EventType, string>>;

/** What a support employee should know about the errors that callers get without a reason. */
const CAUSES: Readonly<Partial<Record<string, string>>> = {
  invalid_credentials: "the password was wrong or is locked, or the user has none",
  verification_not_found: "the code was wrong, used, expired or replaced",
  incorrect_code_verifier: "another device opened the link",
};

export type AuditedCode = keyof typeof WORDS;

interface AuditedEvent {
  code: AuditedCode;
  at: string;
  about: string;
  what: string;
}

/** Lists events of the audit log, and of documents whose events are not moved there yet. */
export function auditedEvents(rows: readonly AuditLog[], documents: readonly Outbox[]): AuditedEvent[] {
  const stored = rows.map(({ action, occurredAt, target, errorCode }) => ({
    ...{ type: action, at: occurredAt, target, errorCode },
  }));
  const moved = new Set(stored.map(keyOf));
  const pending = documents
    .flatMap(({ events = [] }) => events)
    .map(({ type, at, target }) => ({ type, at, target, errorCode: null }))
    // A document keeps an event until its row is stored, so both can be there.
    .filter((event) => !moved.has(keyOf(event)));
  return [...stored, ...pending].flatMap(({ type, at, target, errorCode }) => {
    if (!isTold(type)) return [];
    return [{ code: type, at, about: target.id, what: describe(WORDS[type], errorCode) }];
  });
}

function describe(words: string, errorCode: string | null): string {
  if (errorCode === null) return words;
  const cause = CAUSES[errorCode];
  return cause === undefined ? `${words}: ${errorCode}` : `${words}: ${errorCode} (${cause})`;
}

const isTold = (type: EventType): type is AuditedCode => type in WORDS;

const keyOf = ({ type, at, target }: Pick<StoredEvent, "type" | "at" | "target">) =>
  `${type} ${at} ${target.id}`;
