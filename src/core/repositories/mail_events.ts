import type { Collection, Db, IndexDescription } from "mongodb";
import type { PersonalData } from "#core/repositories/repository.ts";

/** An address that mail is sent to: normalized, and exactly as it is mailed. */
export interface MailedAddress {
  identity: string;
  recipient: string;
}

/** A bounce of a mail, or a complaint about it, as SES reported it (contract 1.5). */
export interface MailEvent {
  /** mailevent_<id of the event>, so that an event that is delivered twice is stored once. */
  _id: string;
  type: "bounce" | "complaint";
  /** True for a bounce that SES calls permanent: the address receives no mail. */
  isPermanent: boolean;
  /** SES's subtype, such as `General`, `MailboxFull` or `abuse`. */
  subType: string | null;
  /** Normalized, as in `identifiers`. */
  identifierValues: string[];
  /**
   * The same addresses exactly as they were mailed: the case of the local part is kept. Absent from events that an
   * earlier release stored.
   */
  recipients?: string[];
  /** SES's id of the mail. */
  messageId: string;
  occurredAt: string;
  createdAt: string;
  purgeAt: Date;
}

/**
 * Matches the hard bounces that suppress mail to an address: those of this exact recipient. `victim@` is not suppressed by
 * a bounce of `VICTIM@`, which may be another mailbox (contract 1.7). An event without `recipients` suppresses every
 * spelling.
 */
const hardBouncesOf = ({ identity, recipient }: MailedAddress) => ({
  identifierValues: identity,
  isPermanent: true,
  $or: [{ recipients: recipient }, { recipients: { $exists: false } }],
});

const mailEventIndexes: IndexDescription[] = [
  { key: { identifierValues: 1, occurredAt: 1 } },
  { key: { purgeAt: 1 }, expireAfterSeconds: 0 },
];

export class MailEventRepository {
  static readonly collectionName = "mail-events";
  static readonly indexes = mailEventIndexes;
  static readonly personalData: PersonalData<MailEvent> = {
    field: "identifierValues",
    refersTo: "addresses",
    withheld: ["purgeAt"],
  };
  readonly #collection: Collection<MailEvent>;
  constructor(database: Db) {
    this.#collection = database.collection(MailEventRepository.collectionName);
  }

  /** Stores an event, unless it is stored already. */
  async insert({ _id, ...event }: MailEvent): Promise<void> {
    await this.#collection.updateOne({ _id }, { $setOnInsert: event }, { upsert: true });
  }

  /** Finds a hard bounce that suppresses mail to an address since a time, or null. */
  findHardBounce(address: MailedAddress, since: string): Promise<MailEvent | null> {
    return this.#collection.findOne({ ...hardBouncesOf(address), occurredAt: { $gte: since } });
  }

  /** Lists the hard bounces that suppress mail to an address, the newest first. */
  listHardBounces(address: MailedAddress): Promise<MailEvent[]> {
    return this.#collection.find(hardBouncesOf(address)).sort({ occurredAt: -1 }).toArray();
  }

  /** Lists the events about addresses, the newest first. @param limit 0: all */
  listByIdentifiers(identifierValues: readonly string[], limit = 0): Promise<MailEvent[]> {
    return this.#collection
      .find({ identifierValues: { $in: [...identifierValues] } })
      .sort({ occurredAt: -1 })
      .limit(limit)
      .toArray();
  }

  /** Lists the events that are purged at or after a time, the newest first. A later event is purged later. */
  listPurgedFrom(moment: Date, limit: number): Promise<MailEvent[]> {
    return this.#collection
      .find({ purgeAt: { $gte: moment } })
      .sort({ purgeAt: -1 })
      .limit(limit)
      .toArray();
  }

  /** Removes an event: its address was erased while the event was stored. */
  async discard(id: string): Promise<void> {
    await this.#collection.deleteOne({ _id: id });
  }

  /** Removes the hard bounces that suppress mail to an address. @returns how many events it removed */
  async removeHardBounces(address: MailedAddress): Promise<number> {
    return (await this.#collection.deleteMany(hardBouncesOf(address))).deletedCount;
  }
}
