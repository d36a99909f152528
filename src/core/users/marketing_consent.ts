import type { Call, Caller } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { byCaller, type EventSource } from "#core/events/event_source.ts";
import { recordEvent } from "#core/events/record_event.ts";
import { newId } from "#core/ids.ts";
import type { ConsentLevel, MarketingConsent } from "#core/repositories/marketing_consents.ts";
import type { User } from "#core/repositories/users.ts";

/**
 * Returns the consent level that a user chose.
 * @throws NestError not_found for an unknown user; awaiting_consent if the user has not chosen
 */
export function requireConsent(user: User | null, consent: MarketingConsent | null): ConsentLevel {
  if (!user) throw new NestError("not_found");
  if (!consent) throw new NestError("awaiting_consent");
  return consent.level;
}

/** A user's choice, and the caller that sent it. */
export interface ConsentChoice {
  level: ConsentLevel;
  caller: Caller;
  call: Call;
}

/**
 * Records a choice with time, IP address and client, so that consent can be proved. Choosing the current level
 * again changes nothing.
 * @param found the user and the stored consent
 * @throws NestError not_found for an unknown user
 */
export async function setMarketingConsent(
  core: Pick<Core, "marketingConsents" | "clock">,
  { user, current }: { user: User | null; current: MarketingConsent | null },
  { level, caller, call }: ConsentChoice,
): Promise<void> {
  if (!user) throw new NestError("not_found");
  if (current?.level === level) return;
  const { _id: userId } = user;
  const changedAt = core.clock.now().toISOString();
  const change = {
    ...{ level, changedAt },
    ip: caller.kind === "user" ? call.ip : null,
    clientId: caller.kind === "user" ? caller.clientId : null,
  };
  const about = {
    ...{ userId, target: { type: "user", id: userId } as const },
    data: { level, previous: current?.level ?? null },
  };
  const updated = recordEvent("consent.updated", about, byCaller(caller, call), changedAt);
  await core.marketingConsents.set(newId("marketingConsent"), userId, change, [updated]);
}

/**
 * Withdraws the consent of somebody who had claimed the address of a user and did not prove it. Safe to repeat.
 * @param at ISO
 */
export async function withdrawConsent(
  core: Pick<Core, "marketingConsents">,
  userId: string,
  { source, at }: { source: EventSource; at: string },
): Promise<void> {
  const change = { level: "none", changedAt: at, ip: null, clientId: null } as const;
  const about = {
    ...{ userId, target: { type: "user", id: userId } as const },
    data: { level: change.level, previous: "general" as const },
  };
  await core.marketingConsents.withdraw(userId, change, [recordEvent("consent.updated", about, source, at)]);
}
