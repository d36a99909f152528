import type { EventCore } from "#core/billing/events/event_core.ts";
import { NestError } from "#core/errors.ts";
import { newId } from "#core/ids.ts";

/**
 * Maps a Stripe customer to a user. The first mapping is kept.
 * @param matchedBy how the user was found; null if a stored subscription already belongs to the user
 * @throws NestError `unavailable` if the customer is mapped to another user
 */
export async function mapCustomer(
  core: EventCore,
  userId: string,
  customer: string,
  matchedBy: "address" | null,
): Promise<void> {
  const now = core.clock.now().toISOString();
  const isNew = await core.providerMappings.insert({
    _id: newId("providerMapping"),
    userId,
    providerType: "stripe",
    providerValue: customer,
    ...(matchedBy === null ? {} : { matchedBy }),
    createdAt: now,
    updatedAt: now,
    removedAt: null,
  });
  if (isNew) return;
  const winner = await core.providerMappings.findByCustomer(customer);
  if (winner?.userId !== userId)
    throw new NestError("unavailable", { detail: "the customer was mapped to another user meanwhile" });
}
