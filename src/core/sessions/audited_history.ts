import type { AuditLog } from "#core/repositories/audit_logs.ts";
import type { EventType, Outbox, StoredEvent } from "#core/repositories/outbox.ts";
import { describeRefusal } from "#core/sessions/refusal_words.ts";

/**
 * The events that the history takes from the audit log, in words for support staff. It derives the other events from
 * links, codes and sessions.
 */
const WORDS = {
  "user.created": "the user was created",
  "user.sign_in_failed": "a sign-in failed",
  "mfa.recovery_code_used": "a recovery code was used in place of a second factor",
  "identifier.added": "an address or a phone number was added",
  "identifier.verified": "an address or a phone number was verified",
} as const satisfies Partial<Record<EventType, string>>;

/** The audit log has it as a sign-in that failed, with the purpose `step_up`. */
const STEP_UP_FAILED = "the second factor was refused that a session needs to become fresh";

export type AuditedCode = keyof typeof WORDS | "step_up_failed";

interface AuditedEvent {
  code: AuditedCode;
  at: string;
  about: string;
  what: string;
}

/** Lists events of the audit log, and of documents whose events are not moved there yet. */
export function auditedEvents(rows: readonly AuditLog[], documents: readonly Outbox[]): AuditedEvent[] {
  const stored = rows.map(({ action, occurredAt, target, errorCode, data }) => ({
    ...{ type: action, at: occurredAt, target, errorCode, cause: data.cause ?? null },
    isStepUp: data.purpose === "step_up",
  }));
  const moved = new Set(stored.map(keyOf));
  const pending = documents
    .flatMap(({ events = [] }) => events)
    .map(({ type, at, target }) => ({ type, at, target, errorCode: null, cause: null, isStepUp: false }))
    // A document keeps an event until its row is stored, so both can be there.
    .filter((event) => !moved.has(keyOf(event)));
  return [...stored, ...pending].flatMap(({ type, at, target, isStepUp, ...why }): AuditedEvent[] => {
    if (!isTold(type)) return [];
    if (isStepUp)
      return [{ code: "step_up_failed", at, about: target.id, what: describe(STEP_UP_FAILED, why) }];
    return [{ code: type, at, about: target.id, what: describe(WORDS[type], why) }];
  });
}

interface Refusal {
  errorCode: string | null;
  cause: string | null;
}

function describe(words: string, { errorCode, cause }: Refusal): string {
  if (errorCode === null) return words;
  const why = describeRefusal({ errorCode, cause });
  return why === errorCode ? `${words}: ${why}` : `${words}: ${why} (${errorCode})`;
}

const isTold = (type: EventType): type is keyof typeof WORDS => type in WORDS;

const keyOf = ({ type, at, target }: Pick<StoredEvent, "type" | "at" | "target">) =>
  `${type} ${at} ${target.id}`;
