import type { Collection, Db, IndexDescription } from "mongodb";
import { CombinedReads } from "#core/repositories/combined_reads.ts";
import { OUTBOX_INDEX, type Outbox, pushed, type StoredEvent } from "#core/repositories/outbox.ts";
import type { PersonalData } from "#core/repositories/repository.ts";
import { isDuplicateKey } from "#core/services/mongo.ts";

/** An account at a provider, such as Google, with which a user signs in. */
export interface OAuthIdentity extends Outbox {
  /** oauthid_<ksuid> */
  _id: string;
  userId: string;
  /** The id of the provider in the app file. */
  provider: string;
  /** With `subject`, the key of the account. An address is no key, because it can be given to another person. */
  issuer: string;
  subject: string;
  /** What the provider said when the account was linked. It proves nothing later. */
  email: string | null;
  emailVerified: boolean;
  profile: { name: string | null; picture: string | null };
  /** ISO. */
  linkedAt: string;
  lastUsedAt: string | null;
  removedAt: string | null;
}

const oauthIdentityIndexes: IndexDescription[] = [
  { key: { issuer: 1, subject: 1 }, unique: true, partialFilterExpression: { removedAt: null } },
  { key: { userId: 1 } },
  OUTBOX_INDEX,
];

export class OAuthIdentityRepository {
  static readonly collectionName = "oauth_identities";
  static readonly indexes = oauthIdentityIndexes;
  static readonly personalData: PersonalData<OAuthIdentity> = {
    field: "userId",
    refersTo: "userIds",
    withheld: [],
  };
  readonly #collection: Collection<OAuthIdentity>;
  readonly #reads: CombinedReads<OAuthIdentity>;
  constructor(database: Db) {
    this.#collection = database.collection(OAuthIdentityRepository.collectionName);
    this.#reads = new CombinedReads(database, OAuthIdentityRepository.collectionName);
  }

  /** The linked account with this key, or null. */
  findActive(issuer: string, subject: string): Promise<OAuthIdentity | null> {
    return this.#reads.findOne({ issuer, subject, removedAt: null });
  }

  /** Lists the accounts of a user, removed ones included, the oldest first. */
  async listByUser(userId: string): Promise<OAuthIdentity[]> {
    const identities = await this.#reads.findAll({ userId });
    const ageOf = ({ linkedAt, _id }: OAuthIdentity) => `${linkedAt} ${_id}`;
    return identities.sort((one, other) => (ageOf(one) < ageOf(other) ? -1 : 1));
  }

  /**
   * Links an account, unless it is linked. One of any simultaneous calls links it.
   * @returns the link that is stored; null if it was removed at the same time
   */
  async link(identity: OAuthIdentity): Promise<OAuthIdentity | null> {
    try {
      await this.#collection.insertOne(identity);
      return identity;
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
    return this.findActive(identity.issuer, identity.subject);
  }

  /** Deletes a link, without an event: its user was erased. */
  async discard(id: string): Promise<void> {
    await this.#collection.deleteOne({ _id: id });
  }

  /** Records a sign-in. */
  async recordUse(id: string, now: string): Promise<void> {
    await this.#collection.updateOne({ _id: id, removedAt: null }, { $max: { lastUsedAt: now } });
  }

  /**
   * Discards removed links of the account of another link. The newest one is enough to know that the user unlinked the account.
   * @param before ISO; links that were removed later stay
   */
  async discardRemoved(
    { _id, userId, issuer, subject }: Pick<OAuthIdentity, "_id" | "userId" | "issuer" | "subject">,
    before: string,
  ): Promise<void> {
    // Events that are not moved to the audit log yet would be lost.
    const isMoved = { eventsDueAt: { $exists: false } };
    const removed = { removedAt: { $lt: before }, ...isMoved };
    await this.#collection.deleteMany({ userId, issuer, subject, _id: { $ne: _id }, ...removed });
  }

  /** Removes a link and records it. One of any simultaneous calls gets the document, the others null. */
  remove(id: string, now: string, events: readonly StoredEvent[]): Promise<OAuthIdentity | null> {
    const { push, set } = pushed(events);
    return this.#collection.findOneAndUpdate(
      { _id: id, removedAt: null },
      { $set: { removedAt: now, ...set }, $push: push },
      { returnDocument: "after" },
    );
  }
}
