import type { EventSource } from "#core/events/event_source.ts";
import { recordEvent } from "#core/events/record_event.ts";
import type { MfaFactor } from "#core/repositories/mfa_factors.ts";
import type { StoredEvent } from "#core/repositories/outbox.ts";

const aboutUser = (userId: string) => ({ userId, target: { type: "user", id: userId } as const });

/** The event of a second factor that was activated or removed. */
export function factorChanged(
  type: "mfa.factor_added" | "mfa.factor_removed",
  { _id: factorId, userId, factorType }: Pick<MfaFactor, "_id" | "userId" | "factorType">,
  source: EventSource,
  at: string,
): StoredEvent {
  return recordEvent(type, { ...aboutUser(userId), data: { factorId, factorType } }, source, at);
}

/** The event of a recovery code that was used. */
export function recoveryCodeUsed(userId: string, source: EventSource, at: string): StoredEvent {
  return recordEvent("mfa.recovery_code_used", { ...aboutUser(userId), data: {} }, source, at);
}

/** The event of recovery codes that were replaced. */
export function recoveryCodesReplaced(userId: string, source: EventSource, at: string): StoredEvent {
  return recordEvent("mfa.recovery_codes_regenerated", { ...aboutUser(userId), data: {} }, source, at);
}
