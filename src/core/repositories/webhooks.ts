import type { Collection, Db, IndexDescription } from "mongodb";
import { CombinedReads } from "#core/repositories/combined_reads.ts";
import { carrying, OUTBOX_INDEX, type Outbox, pushed, type StoredEvent } from "#core/repositories/outbox.ts";
import type {
  StoredWebhookSecret,
  Webhook,
  WebhookContent,
  WebhookWrite,
} from "#core/repositories/webhook_document.ts";
import { WebhookHealth } from "#core/repositories/webhook_health.ts";
import { isDuplicateKey } from "#core/services/mongo.ts";

const webhookIndexes: IndexDescription[] = [
  { key: { slot: 1 }, unique: true, partialFilterExpression: { removedAt: null } },
  { key: { removedAt: 1 } },
  { key: { enabled: 1 } },
  { key: { purgeAt: 1 }, expireAfterSeconds: 0 },
  OUTBOX_INDEX,
];

export class WebhookRepository extends WebhookHealth {
  static readonly collectionName = "webhooks";
  static readonly indexes = webhookIndexes;
  static readonly personalData = null;
  readonly #collection: Collection<Webhook>;
  readonly #reads: CombinedReads<Webhook>;
  constructor(database: Db) {
    const collection = database.collection<Webhook>(WebhookRepository.collectionName);
    super(collection);
    this.#collection = collection;
    this.#reads = new CombinedReads(database, WebhookRepository.collectionName);
  }

  /** Lists the webhooks that are not deleted, the oldest first. */
  async list(): Promise<Webhook[]> {
    const found = await this.#reads.findAll({ removedAt: null });
    return found.sort((one, other) => (one._id < other._id ? -1 : 1));
  }

  /** Finds a webhook that is not deleted. */
  find(id: string): Promise<Webhook | null> {
    return this.#reads.findOne({ _id: id, removedAt: null });
  }

  /** The ids of the webhooks that get no deliveries: disabled, or deleted. */
  async listSilent(): Promise<string[]> {
    const found = await this.#collection
      .find({ enabled: false })
      .project<{ _id: string }>({ _id: 1 })
      .toArray();
    return found.map(({ _id }) => _id);
  }

  /** Creates a webhook and records it. @returns false if another webhook has its slot */
  async insert(webhook: Omit<Webhook, keyof Outbox>, events: readonly StoredEvent[]): Promise<boolean> {
    try {
      await this.#collection.insertOne({ ...webhook, ...carrying(events) });
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  /**
   * Changes a webhook and records it.
   * @param content what changes
   * @returns null if it was deleted meanwhile
   */
  change(
    id: string,
    content: Partial<WebhookContent & Pick<Webhook, "failingSince" | "disabledReason">>,
    { at, events }: WebhookWrite,
  ): Promise<Webhook | null> {
    const { push, set } = pushed(events);
    return this.#collection.findOneAndUpdate(
      { _id: id, removedAt: null },
      { $set: { ...content, updatedAt: at, ...set }, $push: push },
      { returnDocument: "after" },
    );
  }

  /** Records an event of a webhook that changes nothing else. @returns null if it was deleted meanwhile */
  record(id: string, { events }: WebhookWrite): Promise<Webhook | null> {
    const { push, set } = pushed(events);
    return this.#collection.findOneAndUpdate({ _id: id, removedAt: null }, { $set: set, $push: push });
  }

  /**
   * Replaces the secrets of a webhook whose secrets have not changed since it was read.
   * @returns null if they changed, or it was deleted
   */
  replaceSecrets(
    { _id, secrets: read }: Pick<Webhook, "_id" | "secrets">,
    secrets: StoredWebhookSecret[],
    { at, events }: WebhookWrite,
  ): Promise<Webhook | null> {
    const { push, set } = pushed(events);
    return this.#collection.findOneAndUpdate(
      { _id, removedAt: null, "secrets.0.value": read[0]?.value ?? "" },
      { $set: { secrets, updatedAt: at, ...set }, $push: push },
      { returnDocument: "after" },
    );
  }

  /** Deletes a webhook and records it. Its secrets are dropped. @returns false if it was deleted before */
  async remove(id: string, { at, events }: WebhookWrite, purgeAt: Date): Promise<boolean> {
    const { push, set } = pushed(events);
    const removed = { removedAt: at, updatedAt: at, enabled: false, secrets: [], purgeAt, ...set };
    const result = await this.#collection.updateOne(
      { _id: id, removedAt: null },
      { $set: removed, $unset: { noticeDueAt: "" }, $push: push },
    );
    return result.modifiedCount === 1;
  }

  /** When a webhook was deleted, ISO. Null: it is not deleted, or it was deleted more than 30 days ago. */
  async findRemoval(id: string): Promise<string | null> {
    const found = await this.#reads.findOne({ _id: id });
    return found?.removedAt ?? null;
  }
}
