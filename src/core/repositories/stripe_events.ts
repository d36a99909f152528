import type { Collection, Db, IndexDescription } from "mongodb";
import { isDuplicateKey } from "#core/services/mongo.ts";

export type StripeEventStatus = "processing" | "done" | "failed" | "ignored";

/** An event of Stripe's and what became of it: stored before it is worked on, worked once (contract 1.3). */
export interface StripeEvent {
  /** evt_… */
  _id: string;
  type: string;
  /** The id of the object the event is about. */
  objectId: string | null;
  /** The Stripe customer that the object names: working on the event again may need it. */
  customerId: string | null;
  apiVersion: string | null;
  /** Whether real money moves; null where nobody said. A key of the other mode must not work it. */
  isLive: boolean | null;
  /** Stripe's time of the event. */
  createdAt: string;
  receivedAt: string;
  status: StripeEventStatus;
  /** How often it was begun; a worker that lost its lease can't end another's work. */
  attempt: number;
  /** Until then nobody else begins it. */
  leasedUntil: string;
  endedAt: string | null;
  /** Why it failed or was ignored. */
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
  /** Stripe's ids only, removed after 30 days. */
  static readonly personalData = null;
  readonly #collection: Collection<StripeEvent>;
  constructor(database: Db) {
    this.#collection = database.collection(StripeEventRepository.collectionName);
  }

  find(id: string): Promise<StripeEvent | null> {
    return this.#collection.findOne({ _id: id });
  }

  /** Those of these ids that are known, in no order. */
  list(ids: readonly string[]): Promise<StripeEvent[]> {
    return this.#collection.find({ _id: { $in: [...ids] } }).toArray();
  }

  /** @returns whether it was new */
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
   * Begins an event again that failed, or whose worker died. Of any number of simultaneous calls one gets it.
   * @param statuses those that may be begun; one under lease only once its lease has run out
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

  /** Ends an attempt. One that another attempt has followed changes nothing. */
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

  /** Those that failed or were left behind, oldest first. */
  listUnfinished(now: string): AsyncIterable<StripeEvent> {
    return this.#collection
      .find({ $or: [{ status: "failed" }, { status: "processing", leasedUntil: { $lt: now } }] })
      .sort({ receivedAt: 1 });
  }
}
