import type { Collection, Db, IndexDescription } from "mongodb";
import { olderThan, type Page } from "#core/paging.ts";
import { CombinedReads } from "#core/repositories/combined_reads.ts";
import { insertAbsent } from "#core/repositories/insert_absent.ts";

/**
 * `pending`: it will be sent, or sent again. `failed`: the last attempt failed. `abandoned`: its webhook was disabled or deleted
 * before it succeeded.
 */
export const DELIVERY_STATUSES = ["pending", "succeeded", "failed", "abandoned"] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** Why an attempt failed. Never a text of the receiver. */
export const ATTEMPT_ERRORS = [
  "status",
  "timeout",
  "connection",
  "tls",
  "dns",
  "address_not_allowed",
] as const;
export type AttemptError = (typeof ATTEMPT_ERRORS)[number];

/** One request to the receiver. */
export interface DeliveryAttempt {
  /** ISO. */
  at: string;
  /** The receiver's HTTP status; null without a response. */
  status: number | null;
  /** Null for a success. */
  error: AttemptError | null;
  /** Milliseconds until the response, or the failure. */
  durationMs: number;
}

/** One message for one webhook. */
export interface WebhookDelivery {
  /** whdel_<ksuid>, derived from the message and the webhook */
  _id: string;
  messageId: string;
  webhookId: string;
  eventType: string;
  status: DeliveryStatus;
  /** How many attempts began since it was created, or since an administrator asked for it again. */
  tries: number;
  /** The attempts that ended, at most the newest 20. */
  attempts: DeliveryAttempt[];
  /** When it is sent next, ISO. While a run sends it: when another run may. Absent unless it is pending. */
  nextAttemptAt?: string;
  /** While a run sends it: until when no other run does, ISO. */
  leasedUntil?: string;
  createdAt: string;
  /** 30 days after it was created. */
  purgeAt: Date;
}

/** What follows from an attempt. `next`: when it is sent again, ISO; null: never. */
export interface AttemptOutcome {
  attempt: DeliveryAttempt;
  next: string | null;
}

/** The most attempts that a delivery lists. */
const ATTEMPTS_KEPT = 20;
const NEWEST_FIRST = { createdAt: -1, _id: -1 } as const;
const IS_DUE = { nextAttemptAt: { $exists: true } };

const deliveryIndexes: IndexDescription[] = [
  { key: { webhookId: 1, nextAttemptAt: 1 }, partialFilterExpression: IS_DUE },
  { key: { webhookId: 1, ...NEWEST_FIRST } },
  { key: { webhookId: 1, status: 1, ...NEWEST_FIRST } },
  { key: { purgeAt: 1 }, expireAfterSeconds: 0 },
];

export class WebhookDeliveryRepository {
  static readonly collectionName = "webhook_deliveries";
  static readonly indexes = deliveryIndexes;
  static readonly personalData = null;
  readonly #collection: Collection<WebhookDelivery>;
  readonly #reads: CombinedReads<WebhookDelivery>;
  constructor(database: Db) {
    this.#collection = database.collection(WebhookDeliveryRepository.collectionName);
    this.#reads = new CombinedReads(database, WebhookDeliveryRepository.collectionName);
  }

  /** Adds deliveries. A delivery that is there already stays as it is. Safe to repeat and to race. */
  async insertMissing(deliveries: readonly WebhookDelivery[]): Promise<void> {
    if (deliveries.length > 0) await insertAbsent(this.#collection, deliveries);
  }

  find(id: string): Promise<WebhookDelivery | null> {
    return this.#reads.findOne({ _id: id });
  }

  /** Reads deliveries by id. They have no order. */
  listByIds(ids: readonly string[]): Promise<WebhookDelivery[]> {
    return this.#collection.find({ _id: { $in: [...ids] } }).toArray();
  }

  /** Lists the deliveries of a webhook, the newest first. */
  list(
    webhookId: string,
    status: DeliveryStatus | undefined,
    { limit, after }: Page,
  ): Promise<WebhookDelivery[]> {
    return this.#collection
      .find({ webhookId, ...(status && { status }), ...(after && olderThan(after)) })
      .sort(NEWEST_FIRST)
      .limit(limit)
      .toArray();
  }

  /**
   * Lists deliveries of a webhook that are due, those that are due the longest first.
   * @param until ISO: deliveries that are due later are left out
   */
  listDue(webhookId: string, until: string, limit: number): Promise<WebhookDelivery[]> {
    return this.#collection
      .find({ webhookId, nextAttemptAt: { $exists: true, $lte: until } })
      .sort({ nextAttemptAt: 1 })
      .limit(limit)
      .toArray();
  }

  /**
   * Begins an attempt: until the lease ends, no other run sends the delivery. Of any number of runs one wins.
   * @param seen the delivery as it was listed
   * @param leasedUntil ISO
   * @returns null if another run began an attempt, or the delivery is not pending any more
   */
  claim({ _id, nextAttemptAt = "" }: WebhookDelivery, leasedUntil: string): Promise<WebhookDelivery | null> {
    return this.#collection.findOneAndUpdate(
      { _id, status: "pending", nextAttemptAt },
      { $set: { nextAttemptAt: leasedUntil, leasedUntil }, $inc: { tries: 1 } },
      { returnDocument: "after" },
    );
  }

  /**
   * Ends an attempt.
   * @param claimed the delivery as `claim` returned it
   * @returns false if its lease was lost, or the delivery was abandoned meanwhile
   */
  async settle(
    { _id, leasedUntil = "" }: WebhookDelivery,
    { attempt, next }: AttemptOutcome,
  ): Promise<boolean> {
    const status: DeliveryStatus =
      next !== null ? "pending" : attempt.error === null ? "succeeded" : "failed";
    const result = await this.#collection.updateOne(
      { _id, status: "pending", leasedUntil },
      {
        $set: { status, ...(next !== null && { nextAttemptAt: next }) },
        $unset: { leasedUntil: "", ...(next === null && { nextAttemptAt: "" }) },
        $push: { attempts: { $each: [attempt], $slice: -ATTEMPTS_KEPT } },
      },
    );
    return result.modifiedCount === 1;
  }

  /** Ends every delivery of webhooks that get none any more. Safe to repeat and to race. */
  async abandon(webhookIds: readonly string[]): Promise<void> {
    if (webhookIds.length === 0) return;
    await this.#collection.updateMany(
      { webhookId: { $in: [...webhookIds] }, nextAttemptAt: { $exists: true } },
      { $set: { status: "abandoned" }, $unset: { nextAttemptAt: "", leasedUntil: "" } },
    );
  }

  /** Ends a delivery whose message is not stored any more. */
  async abandonOne(id: string): Promise<void> {
    await this.#collection.updateOne(
      { _id: id, status: "pending" },
      { $set: { status: "abandoned" }, $unset: { nextAttemptAt: "", leasedUntil: "" } },
    );
  }

  /**
   * Makes a delivery due at once, with all its tries ahead of it, unless a run is sending it.
   * @returns the delivery; null if a run is sending it
   */
  retry(id: string, now: string): Promise<WebhookDelivery | null> {
    return this.#collection.findOneAndUpdate(
      { _id: id, $or: [{ leasedUntil: { $exists: false } }, { leasedUntil: { $lte: now } }] },
      { $set: { status: "pending", nextAttemptAt: now, tries: 0 }, $unset: { leasedUntil: "" } },
      { returnDocument: "after" },
    );
  }
}
