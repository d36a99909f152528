import type { Collection, Db, IndexDescription } from "mongodb";
import { isDuplicateKey } from "#core/services/mongo.ts";

export type StripeEventStatus = "processing" | "done" | "failed" | "ignored";

/** A Stripe event and its outcome. It is stored before it is processed, and processed once (contract 1.3). */
export interface StripeEvent {
  /** evt_… */
  _id: string;
  type: string;
  /** The id of the object that the event is about. */
  objectId: string | null;
  /** The Stripe customer that the object names. Processing the event again may need it. */
  customerId: string | null;
  apiVersion: string | null;
  /** Stripe's `livemode`; null if unknown. A key of the other mode must not process the event. */
  isLive: boolean | null;
  /** Stripe's time of the event. */
  createdAt: string;
  receivedAt: string;
  status: StripeEventStatus;
  /** How often processing was started. A worker that lost its lease can't finish the attempt of another worker. */
  attempt: number;
  /** Until then no other worker starts the event. */
  leasedUntil: string;
  endedAt: string | null;
  /** Why the event failed or was ignored. */
  reason: string | null;
  purgeAt: Date;
}

const stripeEventIndexes: IndexDescription[] = [
  { key: { status: 1, receivedAt: 1 } },
  { key: { purgeAt: 1 }, expireAfterSeconds: 0 },
];

export class StripeEventRepository {
  static readonly collectionName = "stripe-events";
  static readonly indexes = stripeEventIndexes;
  /** It holds Stripe's ids only, and is removed after 30 days. */
  static readonly personalData = null;
  readonly #collection: Collection<StripeEvent>;
  constructor(database: Db) {
    this.#collection = database.collection(StripeEventRepository.collectionName);
  }

  find(id: string): Promise<StripeEvent | null> {
    return this.#collection.findOne({ _id: id });
  }

  /** Lists the stored events of these ids, in any order. */
  list(ids: readonly string[]): Promise<StripeEvent[]> {
    return this.#collection.find({ _id: { $in: [...ids] } }).toArray();
  }

  /** Stores an event. @returns false if it is stored already */
  async insert(event: StripeEvent): Promise<boolean> {
    try {
      await this.#collection.insertOne(event);
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  /**
   * Starts processing an event again that failed or whose lease expired. One of any simultaneous calls gets the event,
   * the others null.
   * @param statuses the statuses that may start again, in addition to an expired lease
   */
  lease(
    id: string,
    now: string,
    leasedUntil: string,
    statuses: readonly StripeEventStatus[] = ["failed"],
  ): Promise<StripeEvent | null> {
    return this.#collection.findOneAndUpdate(
      {
        _id: id,
        $or: [{ status: { $in: [...statuses] } }, { status: "processing", leasedUntil: { $lt: now } }],
      },
      { $set: { status: "processing", leasedUntil, endedAt: null, reason: null }, $inc: { attempt: 1 } },
      { returnDocument: "after" },
    );
  }

  /** Records the outcome of an attempt, unless a later attempt has started. */
  async end(
    id: string,
    attempt: number,
    outcome: { status: "done" | "failed" | "ignored"; reason: string | null; now: string },
  ): Promise<void> {
    await this.#collection.updateOne(
      { _id: id, attempt, status: "processing" },
      {
        $set: {
          status: outcome.status,
          reason: outcome.reason,
          endedAt: outcome.now,
          leasedUntil: outcome.now,
        },
      },
    );
  }

  /** Lists the events that failed or whose lease expired, the oldest first. */
  listUnfinished(now: string): AsyncIterable<StripeEvent> {
    return this.#collection
      .find({ $or: [{ status: "failed" }, { status: "processing", leasedUntil: { $lt: now } }] })
      .sort({ receivedAt: 1 });
  }
}
