import type { Collection, Db, IndexDescription } from "mongodb";
import type { PersonalData } from "#core/repositories/repository.ts";

/** What became of a mail, as SES told it (contract 1.5). */
export interface MailEvent {
  /** mailevent_<id of the event>: an event that is delivered twice is stored once. */
  _id: string;
  type: "bounce" | "complaint";
  /** True for a bounce that SES calls permanent: the address does not take mail. */
  isPermanent: boolean;
  /** SES's finer word, such as `General`, `MailboxFull` or `abuse`. */
  subType: string | null;
  /** Normalised, as in `identifiers`. */
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

  /** Stores an event; one that is known stays as it was. */
  async insert({ _id, ...event }: MailEvent): Promise<void> {
    await this.#collection.updateOne({ _id }, { $setOnInsert: event }, { upsert: true });
  }

  /** The newest hard bounce of an address since a moment, or null. */
  findHardBounce(identifierValue: string, since: string): Promise<MailEvent | null> {
    return this.#collection.findOne({
      identifierValues: identifierValue,
      occurredAt: { $gte: since },
      isPermanent: true,
    });
  }

  /** What became of the mails to some addresses, newest first. */
  listByIdentifiers(identifierValues: readonly string[]): Promise<MailEvent[]> {
    return this.#collection
      .find({ identifierValues: { $in: [...identifierValues] } })
      .sort({ occurredAt: -1 })
      .toArray();
  }

  /** The newest of those that are purged from a moment on, newest first. What is purged later happened later. */
  listPurgedFrom(moment: Date, limit: number): Promise<MailEvent[]> {
    return this.#collection
      .find({ purgeAt: { $gte: moment } })
      .sort({ purgeAt: -1 })
      .limit(limit)
      .toArray();
  }

  /** Forgets that an address bounced hard. @returns how many events of it are gone */
  async removeHardBounces(identifierValue: string): Promise<number> {
    const { deletedCount } = await this.#collection.deleteMany({
      identifierValues: identifierValue,
      isPermanent: true,
    });
    return deletedCount;
  }
}
