import type { Core } from "#core/core.ts";
import type { EventSource } from "#core/events/event_source.ts";
import { identifierAdded } from "#core/events/identifier_events.ts";
import { newId } from "#core/ids.ts";
import { carrying } from "#core/repositories/outbox.ts";
import { purgeAfter } from "#core/retention.ts";

/**
 * Adds the phone number of a registration as a pending identifier: it claims nothing and signs nobody in until the user proves
 * it. Nest forgets it after 30 days. Safe to repeat.
 */
export async function addPhone(
  core: Pick<Core, "pendingIdentifiers">,
  userId: string,
  phone: string | null,
  { source, at: createdAt }: { source: EventSource; at: string },
): Promise<void> {
  if (phone === null) return;
  const named = { _id: newId("identifier"), userId, identifierType: "phone" as const };
  await core.pendingIdentifiers.ensure({
    ...{ ...named, identifierValue: phone, createdAt },
    ...{ endedAt: null, endedBy: null, purgeAt: purgeAfter(new Date(createdAt)) },
    ...carrying([identifierAdded(named, source, createdAt)]),
  });
}
