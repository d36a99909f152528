import type { Collection, Db, IndexDescription } from "mongodb";
import { CombinedReads } from "#core/repositories/combined_reads.ts";
import { OUTBOX_INDEX } from "#core/repositories/outbox.ts";
import { RedeemableWrites } from "#core/repositories/redeemable.ts";
import type { PersonalData } from "#core/repositories/repository.ts";
import type { Verification } from "#core/repositories/verification_document.ts";
import type { VerificationPurpose } from "#core/repositories/verification_purposes.ts";
import { isDuplicateKey } from "#core/services/mongo.ts";

export type { Verification } from "#core/repositories/verification_document.ts";
export { VERIFICATION_PURPOSES, type VerificationPurpose } from "#core/repositories/verification_purposes.ts";

/** After this many presented codes, correct or wrong, no code of the verification is accepted. */
export const ATTEMPTS_LIMIT = 5;

const verificationIndexes: IndexDescription[] = [
  { key: { nonceHash: 1 }, unique: true },
  { key: { tokenHash: 1 }, unique: true, partialFilterExpression: { tokenHash: { $exists: true } } },
  { key: { userId: 1 } },
  { key: { identifierValue: 1, purpose: 1 } },
  { key: { purgeAt: 1 }, expireAfterSeconds: 0 },
  OUTBOX_INDEX,
];
const openAt = (now: string) => ({ revokedAt: null, expiresAt: { $gt: now } });

export class VerificationRepository extends RedeemableWrites<Verification> {
  static readonly collectionName = "verifications";
  static readonly indexes = verificationIndexes;
  static readonly personalData: PersonalData<Verification> = {
    field: "identifierValue",
    refersTo: "addresses",
    also: [{ field: "userId", refersTo: "userIds" }],
    // The user and the session may be those of another person, who typed this address.
    withheld: [
      ...["nonceHash", "codeHash", "tokenHash", "userId", "sessionId", "redemption", "registration"],
      ...["invite", "purgeAt"],
    ] as (keyof Verification)[],
    // A code that is still there could sign its user in during the erasure.
    isErasedFirst: true,
  };
  readonly #collection: Collection<Verification>;
  readonly #reads: CombinedReads<Verification>;
  constructor(database: Db) {
    const collection: Collection<Verification> = database.collection(VerificationRepository.collectionName);
    super(collection, openAt);
    this.#collection = collection;
    this.#reads = new CombinedReads(database, VerificationRepository.collectionName);
  }

  async insert(verification: Verification): Promise<void> {
    await this.#collection.insertOne(verification);
  }

  /** Inserts a verification whose id derives from another document. @returns false if it was inserted before */
  async insertIfAbsent(verification: Verification): Promise<boolean> {
    try {
      await this.#collection.insertOne(verification);
      return true;
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      return false;
    }
  }

  /**
   * Counts a presented code, before it is compared. Of any number of simultaneous calls, at most `ATTEMPTS_LIMIT` get the
   * document; no other call may compare a code.
   * @param purposes the purposes for which the caller accepts codes
   * @returns null if no verification of these purposes has the nonce, or it has no attempt left, is expired or revoked
   */
  countAttempt(
    nonceHash: string,
    purposes: readonly VerificationPurpose[],
    now: string,
  ): Promise<Verification | null> {
    return this.#collection.findOneAndUpdate(
      { ...openAt(now), nonceHash, purpose: { $in: [...purposes] }, attempts: { $lt: ATTEMPTS_LIMIT } },
      { $inc: { attempts: 1 } },
      { returnDocument: "after" },
    );
  }

  /** The verification of a link's token, used or not; null if the token is unknown, or the link is expired or revoked. */
  findByToken(tokenHash: string, now: string): Promise<Verification | null> {
    // The condition of the index is repeated (decision 28).
    return this.#collection.findOne({ ...openAt(now), tokenHash: { $eq: tokenHash, $exists: true } });
  }

  /** Ends a redemption that is complete: it can't be resumed. */
  async completeRedemption(id: string): Promise<void> {
    await this.#collection.updateOne({ _id: id }, { $set: { redemption: null } });
  }

  /**
   * Revokes the earlier verifications of an identifier for a purpose, also used ones, which could be resumed. If it is for a
   * user or an account, those of others stay: several users may try to add one address.
   */
  async revokeEarlier(verification: Verification, now: string): Promise<void> {
    const { _id, purpose, identifierValue, userId, invite } = verification;
    const others = { purpose, identifierValue, _id: { $ne: _id }, createdAt: { $lte: now } };
    const ofAccount = invite && { "invite.accountId": invite.accountId };
    const earlier = { ...openAt(now), ...others, ...(userId !== undefined && { userId }), ...ofAccount };
    await this.#collection.updateMany(earlier, { $set: { revokedAt: now } });
  }

  /** Lists what is open for a user, also what is used and could be resumed. It has no order. */
  listOpenOfUser(userId: string, now: string): Promise<Verification[]> {
    return this.#reads.findAll({ ...openAt(now), userId });
  }

  /** Revokes everything that is open for a user, also what is used and could be resumed, except one verification. */
  async revokeOfUser(userId: string, except: string | null, now: string): Promise<void> {
    const own = { ...openAt(now), userId, ...(except !== null && { _id: { $ne: except } }) };
    await this.#collection.updateMany(own, { $set: { revokedAt: now } });
  }

  /** Revokes everything that is open for an address or number of a user, because the user removes it. */
  async revokeOfIdentifier(userId: string, identifierValue: string, now: string): Promise<void> {
    const open = { ...openAt(now), userId, identifierValue };
    await this.#collection.updateMany(open, { $set: { revokedAt: now } });
  }

  /** Revokes the open resets of a user's addresses and numbers, because the user has set a password. */
  async revokeResets(addresses: readonly string[], now: string): Promise<void> {
    const resets = { purpose: "reset_password" as const, identifierValue: { $in: [...addresses] } };
    const open = { ...openAt(now), ...resets };
    await this.#collection.updateMany(open, { $set: { revokedAt: now } });
  }

  /** Revokes the open invitations of an account to addresses, because their owner was removed from it. */
  async revokeInvites(accountId: string, addresses: readonly string[], now: string): Promise<void> {
    const invites = { purpose: "invite" as const, identifierValue: { $in: [...addresses] } };
    const open = { ...openAt(now), ...invites, "invite.accountId": accountId };
    await this.#collection.updateMany(open, { $set: { revokedAt: now } });
  }

  /**
   * Revokes what is open for a user or for the user's active `addresses`, also used ones, except one. Invitations stay, which are
   * not the user's own, and links that end a session, which only protect the user.
   */
  async revokeOpenOf(
    { userId, addresses }: { userId: string; addresses: readonly string[] },
    except: string | null,
    now: string,
  ): Promise<void> {
    const isOwn = { $or: [{ userId }, { identifierValue: { $in: [...addresses] } }] };
    const purpose = { $nin: ["invite", "disown"] as VerificationPurpose[] };
    const open = { ...openAt(now), ...isOwn, purpose, ...(except !== null && { _id: { $ne: except } }) };
    await this.#collection.updateMany(open, { $set: { revokedAt: now } });
  }
}
