import type { Core } from "#core/core.ts";
import type { EventSource } from "#core/events/event_source.ts";
import { passwordSet } from "#core/events/reset_events.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { PendingRegistration } from "#core/repositories/pending_registration.ts";

/** Stores the first password of a user. A user who has one keeps it. Safe to repeat. */
export async function storePassword(
  core: Pick<Core, "passwords">,
  { userId }: Pick<Identifier, "userId">,
  password: PendingRegistration["password"],
  { source, at }: { source: EventSource; at: string },
): Promise<void> {
  if (password === null) return;
  const set = { ...password, setBy: "user", mustChange: false } as const;
  await core.passwords.insert(userId, set, { now: at, events: [passwordSet(userId, source, at)] });
}
