import type { Core } from "#core/core.ts";
import type { EventSource } from "#core/events/event_source.ts";
import { recordEvent } from "#core/events/record_event.ts";
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
  const _id = newId("identifier");
  const about = {
    ...{ userId, target: { type: "identifier", id: _id } as const },
    data: { identifierType: "phone" },
  };
  await core.pendingIdentifiers.ensure({
    ...{ _id, userId, identifierType: "phone", identifierValue: phone, createdAt },
    ...{ endedAt: null, endedBy: null, purgeAt: purgeAfter(new Date(createdAt)) },
    ...carrying([recordEvent("identifier.added", about, source, createdAt)]),
  });
}
