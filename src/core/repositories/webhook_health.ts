import type { Collection } from "mongodb";
import { pushed } from "#core/repositories/outbox.ts";
import type { DisabledReason, Webhook, WebhookWrite } from "#core/repositories/webhook_document.ts";

/** A webhook, and the URL that answered: what it answered says nothing about a URL that replaced it. */
type Answered = Pick<Webhook, "_id" | "url">;

/**
 * The writes of runs that send to webhooks: which run sends, and whether the receiver answers. Part of the repository of webhooks.
 */
export class WebhookHealth {
  readonly #webhooks: Collection<Webhook>;
  constructor(webhooks: Collection<Webhook>) {
    this.#webhooks = webhooks;
  }

  /**
   * Makes a run the only one that sends to a webhook. Of any number of runs one wins.
   * @param owner a random id of the run
   * @param until ISO: until then no other run sends
   * @returns null if another run sends, or the webhook was disabled or deleted
   */
  claimLane(
    id: string,
    owner: string,
    { now, until }: { now: string; until: string },
  ): Promise<Webhook | null> {
    return this.#webhooks.findOneAndUpdate(
      {
        ...{ _id: id, removedAt: null, enabled: true },
        $or: [{ lane: { $exists: false } }, { "lane.until": { $lte: now } }],
      },
      { $set: { lane: { owner, until } } },
      { returnDocument: "after" },
    );
  }

  /** Lets other runs send to a webhook. Nothing happens if another run does already. */
  async releaseLane(id: string, owner: string): Promise<void> {
    await this.#webhooks.updateOne({ _id: id, "lane.owner": owner }, { $unset: { lane: "" } });
  }

  /** Records that a delivery failed. The first failure since a success counts. Safe to repeat and to race. */
  async markFailing({ _id, url }: Answered, at: string): Promise<void> {
    await this.#webhooks.updateOne({ _id, url, failingSince: null }, { $set: { failingSince: at } });
  }

  /** Records that a delivery succeeded. */
  async markHealthy({ _id, url }: Answered): Promise<void> {
    await this.#webhooks.updateOne(
      { _id, url, failingSince: { $ne: null } },
      { $set: { failingSince: null } },
    );
  }

  /**
   * Disables a webhook whose receiver does not want or get deliveries, and records it. A notice to administrators becomes due.
   * @param failedBefore ISO: for `failing`, only if it has failed since before
   * @returns false if it was disabled or deleted before, has another URL, or has answered meanwhile
   */
  async disable(
    { _id, url }: Answered,
    reason: DisabledReason,
    { at, events }: WebhookWrite,
    failedBefore?: string,
  ): Promise<boolean> {
    const { push, set } = pushed(events);
    const result = await this.#webhooks.updateOne(
      {
        ...{ _id, url, removedAt: null, enabled: true },
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
