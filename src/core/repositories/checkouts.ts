import type { Collection, Db, IndexDescription } from "mongodb";
import { derivedIdOf } from "#core/ids.ts";
import { CombinedReads } from "#core/repositories/combined_reads.ts";
import type { PersonalData } from "#core/repositories/repository.ts";
import { isDuplicateKey } from "#core/services/mongo.ts";

/**
 * The checkout of a user. Racing and repeated calls find the same document, so that one session is created at Stripe. The
 * session's URL is not stored: it opens the user's checkout page for anybody.
 */
export interface Checkout {
  /** checkout_<ksuid>, derived from the user's id. */
  _id: string;
  userId: string;
  /** A hash of what was ordered: price and URLs. */
  order: string;
  /** Part of Stripe's idempotency key. Raised for each new session, and after Stripe stored an error under the key. */
  attempt: number;
  /** When this attempt began. The session ends at a fixed time after it. */
  startedAt: string;
  /** Stripe's id of the attempt's session; null until Stripe has answered. */
  sessionId: string | null;
  /** Stripe's id of the session before, which ends before another is created; null if there is none. */
  replacedSessionId: string | null;
  /** Part of Stripe's idempotency key of the customer. Raised when Stripe does not have the customer anymore. */
  customerAttempt: number;
  /** When the first of `countedSessions` was created. */
  countedSince: string;
  /** The sessions of a day, which are limited. */
  countedSessions: number;
  createdAt: string;
  updatedAt: string | null;
  /** A BSON date: MongoDB removes the document then. */
  purgeAt: Date;
}

const checkoutIndexes: IndexDescription[] = [
  { key: { userId: 1 } },
  { key: { purgeAt: 1 }, expireAfterSeconds: 0 },
];

export class CheckoutRepository {
  static readonly collectionName = "checkouts";
  static readonly indexes = checkoutIndexes;
  static readonly personalData: PersonalData<Checkout> = {
    field: "userId",
    refersTo: "userIds",
    withheld: ["order"],
  };
  readonly #collection: Collection<Checkout>;
  readonly #reads: CombinedReads<Checkout>;
  constructor(database: Db) {
    this.#collection = database.collection(CheckoutRepository.collectionName);
    this.#reads = new CombinedReads(database, CheckoutRepository.collectionName);
  }

  findByUser(userId: string): Promise<Checkout | null> {
    return this.#reads.findOne({ _id: derivedIdOf(userId, "checkout") });
  }

  /**
   * Begins an attempt, unless another call began one or recorded its session since the document was read.
   * @param known the document as it was read; null if there was none
   * @returns false if another call was faster
   */
  async begin(checkout: Checkout, known: Checkout | null): Promise<boolean> {
    if (known === null) {
      try {
        await this.#collection.insertOne(checkout);
        return true;
      } catch (error) {
        if (isDuplicateKey(error)) return false;
        throw error;
      }
    }
    const { _id, attempt, sessionId } = known;
    const result = await this.#collection.replaceOne({ _id, attempt, sessionId }, checkout);
    return result.matchedCount === 1;
  }

  /**
   * Records the session of an attempt.
   * @returns false if another attempt has begun, so that nobody may be sent to this session
   */
  async recordSession({ _id, attempt }: Checkout, sessionId: string, now: string): Promise<boolean> {
    const result = await this.#collection.updateOne(
      { _id, attempt },
      { $set: { sessionId, replacedSessionId: null, updatedAt: now } },
    );
    return result.matchedCount === 1;
  }

  /** Gives the next call other idempotency keys, because Stripe stored an error under those of this attempt. */
  async raiseAttempt({ _id, attempt }: Checkout, isOfCustomer: boolean, now: string): Promise<void> {
    await this.#collection.updateOne(
      { _id, attempt },
      { $inc: { attempt: 1, ...(isOfCustomer && { customerAttempt: 1 }) }, $set: { updatedAt: now } },
    );
  }

  /** Removes the checkout of a user who was erased while it began. */
  async deleteOf(userId: string): Promise<void> {
    await this.#collection.deleteOne({ _id: derivedIdOf(userId, "checkout") });
  }
}
