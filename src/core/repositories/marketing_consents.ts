import type { Collection, Db, IndexDescription } from "mongodb";
import { CombinedReads } from "#core/repositories/combined_reads.ts";
import { OUTBOX_INDEX, type Outbox, pushed, type StoredEvent } from "#core/repositories/outbox.ts";
import type { PersonalData } from "#core/repositories/repository.ts";
import { isDuplicateKey } from "#core/services/mongo.ts";

export const CONSENT_LEVELS = ["none", "general"] as const;
export type ConsentLevel = (typeof CONSENT_LEVELS)[number];

/** One choice of a level. It is kept as proof of consent. */
export interface ConsentChange {
  level: ConsentLevel;
  changedAt: string;
  /** The caller's IP address; null for an internal caller. */
  ip: string | null;
  clientId: string | null;
}

export interface MarketingConsent extends Outbox {
  /** mktngconsent_<ksuid> */
  _id: string;
  userId: string;
  level: ConsentLevel;
  createdAt: string;
  updatedAt: string | null;
  /** Every change, the oldest first. Not in the published documents. */
  history: ConsentChange[];
}

/** Bounds the size of a document. Only a script makes this many changes. */
const HISTORY_LIMIT = 1000;

const marketingConsentIndexes: IndexDescription[] = [{ key: { userId: 1 }, unique: true }, OUTBOX_INDEX];

export class MarketingConsentRepository {
  static readonly collectionName = "marketing-consent";
  static readonly indexes = marketingConsentIndexes;
  static readonly personalData: PersonalData<MarketingConsent> = {
    field: "userId",
    refersTo: "userIds",
    withheld: [],
  };
  readonly #collection: Collection<MarketingConsent>;
  readonly #reads: CombinedReads<MarketingConsent>;
  constructor(database: Db) {
    this.#collection = database.collection(MarketingConsentRepository.collectionName);
    this.#reads = new CombinedReads(database, MarketingConsentRepository.collectionName);
  }

  findByUser(userId: string): Promise<MarketingConsent | null> {
    return this.#reads.findOne({ userId });
  }

  /**
   * Sets the level to `none` and appends the change and its event, if somebody consented in a session of the user. Consent that an
   * operator imported stays.
   */
  async withdraw(userId: string, change: ConsentChange, events: readonly StoredEvent[]): Promise<void> {
    const inSession = { $elemMatch: { level: "general", clientId: { $type: "string" } } } as const;
    await this.#collection.updateOne(
      { userId, level: "general", history: inSession },
      updateOf(change, events),
    );
  }

  /** Sets the level, and appends the change and its event. Simultaneous first choices of one user create one document. */
  async set(
    id: string,
    userId: string,
    change: ConsentChange,
    events: readonly StoredEvent[],
  ): Promise<void> {
    const update = updateOf(change, events);
    try {
      await this.#collection.updateOne(
        { userId },
        { ...update, $setOnInsert: { _id: id, createdAt: change.changedAt } },
        { upsert: true },
      );
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      // A simultaneous first choice inserted the document: update it.
      await this.#collection.updateOne({ userId }, update);
    }
  }
}

function updateOf(change: ConsentChange, events: readonly StoredEvent[]) {
  const { push, set } = pushed(events);
  return {
    $set: { level: change.level, updatedAt: change.changedAt, ...set },
    $push: { history: { $each: [change], $slice: -HISTORY_LIMIT }, ...push },
  };
}
