import type { Collection, Db, Filter, IndexDescription } from "mongodb";
import type { Page } from "#core/paging.ts";
import { insertAbsent } from "#core/repositories/insert_absent.ts";
import type { PersonalData } from "#core/repositories/repository.ts";

/** The message of one event. Every delivery of it sends the same bytes under the same id. */
export interface WebhookMessage {
  /** msg_<ksuid>, derived from the id of the event, so that an event that is announced twice is one message */
  _id: string;
  eventType: string;
  /** ISO. */
  occurredAt: string;
  /** The body, as it is sent and signed: ids, and words of fixed lists. No address and no secret. */
  body: string;
  /** The user whose account it is about; null if it is about nobody, or after an erasure. */
  userId: string | null;
  /** 31 days after it was stored: a day after its last delivery. */
  purgeAt: Date;
}

const NEWEST_FIRST = { occurredAt: -1, _id: -1 } as const;

const messageIndexes: IndexDescription[] = [
  { key: { userId: 1, ...NEWEST_FIRST } },
  { key: { purgeAt: 1 }, expireAfterSeconds: 0 },
];

export class WebhookMessageRepository {
  static readonly collectionName = "webhook_messages";
  static readonly indexes = messageIndexes;
  static readonly personalData: PersonalData<WebhookMessage> = {
    field: "userId",
    refersTo: "userIds",
    withheld: ["purgeAt"],
    // Receivers must still learn that the user was deleted. The body names the user by id only, and is removed after 31 days.
    anonymize: () => ({ userId: null }),
  };
  readonly #collection: Collection<WebhookMessage>;
  constructor(database: Db) {
    this.#collection = database.collection(WebhookMessageRepository.collectionName);
  }

  /** Adds messages. A message that is there already stays as it is. Safe to repeat and to race. */
  async insertMissing(messages: readonly WebhookMessage[]): Promise<void> {
    if (messages.length > 0) await insertAbsent(this.#collection, messages);
  }

  /** Lists the messages about a user, the newest first. */
  listByUser(userId: string, { limit, after }: Page): Promise<WebhookMessage[]> {
    const { createdAt: occurredAt, _id } = after ?? {};
    const older = after && {
      $or: [{ occurredAt: { $lt: occurredAt } }, { occurredAt, _id: { $lt: _id } }],
    };
    return this.#collection
      .find({ userId, ...older } as Filter<WebhookMessage>)
      .sort(NEWEST_FIRST)
      .limit(limit)
      .toArray();
  }

  /** Reads messages by id. They have no order. */
  listByIds(ids: readonly string[]): Promise<WebhookMessage[]> {
    return this.#collection.find({ _id: { $in: [...ids] } }).toArray();
  }
}
