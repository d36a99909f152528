import type { Collection } from "mongodb";
import { pushed } from "#core/repositories/outbox.ts";
import type { DisabledReason, Webhook, WebhookWrite } from "#core/repositories/webhook_document.ts";

/** The writes about whether a webhook's receiver answers. Part of the repository of webhooks. */
export class WebhookHealth {
  readonly #webhooks: Collection<Webhook>;
  constructor(webhooks: Collection<Webhook>) {
    this.#webhooks = webhooks;
  }

  /** Records that a delivery failed. The first failure since a success counts. Safe to repeat and to race. */
  async markFailing(id: string, at: string): Promise<void> {
    await this.#webhooks.updateOne({ _id: id, failingSince: null }, { $set: { failingSince: at } });
  }

  /** Records that a delivery succeeded. */
  async markHealthy(id: string): Promise<void> {
    await this.#webhooks.updateOne(
      { _id: id, failingSince: { $ne: null } },
      { $set: { failingSince: null } },
    );
  }

  /**
   * Disables a webhook whose receiver does not want or get deliveries, and records it. Administrators are to be told.
   * @param failedBefore ISO: for `failing`, only if it has failed since before
   * @returns false if it was disabled or deleted before, or has answered meanwhile
   */
  async disable(
    id: string,
    reason: DisabledReason,
    { at, events }: WebhookWrite,
    failedBefore?: string,
  ): Promise<boolean> {
    const { push, set } = pushed(events);
    const result = await this.#webhooks.updateOne(
      {
        ...{ _id: id, removedAt: null, enabled: true },
        ...(failedBefore !== undefined && { failingSince: { $lte: failedBefore } }),
      },
      {
        $set: { enabled: false, disabledReason: reason, noticeDueAt: at, updatedAt: at, ...set },
        $push: push,
      },
    );
    return result.modifiedCount === 1;
  }

  /**
   * Takes over the notice about a webhook that Nest disabled.
   * @param until ISO: until then no other run sends it
   * @returns null if no notice is due
   */
  claimNotice(id: string, now: string, until: string): Promise<Webhook | null> {
    return this.#webhooks.findOneAndUpdate(
      { _id: id, noticeDueAt: { $lte: now } },
      { $set: { noticeDueAt: until } },
      { returnDocument: "after" },
    );
  }

  /** Records that the notice was sent. */
  async settleNotice(id: string): Promise<void> {
    await this.#webhooks.updateOne({ _id: id }, { $unset: { noticeDueAt: "" } });
  }
}
