import type { Collection, Db, IndexDescription } from "mongodb";
import type { PersonalData } from "#core/repositories/repository.ts";

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
  /** SES's id of the mail. */
  messageId: string;
  occurredAt: string;
  createdAt: string;
  purgeAt: Date;
}

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

  /** Finds a hard bounce of an address since a time, or null. */
  findHardBounce(identifierValue: string, since: string): Promise<MailEvent | null> {
    return this.#collection.findOne({
      identifierValues: identifierValue,
      occurredAt: { $gte: since },
      isPermanent: true,
    });
  }

  /** Lists the events about addresses, the newest first. */
  listByIdentifiers(identifierValues: readonly string[]): Promise<MailEvent[]> {
    return this.#collection
      .find({ identifierValues: { $in: [...identifierValues] } })
      .sort({ occurredAt: -1 })
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

  /** Removes the hard bounces of an address. @returns how many events it removed */
  async removeHardBounces(identifierValue: string): Promise<number> {
    const { deletedCount } = await this.#collection.deleteMany({
      identifierValues: identifierValue,
      isPermanent: true,
    });
    return deletedCount;
  }
}
