import type { Collection, Db, IndexDescription } from "mongodb";
import { type Redeemable, RedeemableWrites, type Redemption } from "#core/repositories/redeemable.ts";

/** A use of a challenge. */
export interface PasskeyRedemption extends Redemption {
  /** SHA-256 of the signature that was presented. Only the same signature can resume it. */
  signatureHash: string;
}

/** A challenge for a sign-in with a passkey alone. It is not yet known who signs in. */
export interface PasskeyChallenge extends Redeemable {
  /** pkchal_<ksuid> */
  _id: string;
  clientId: string;
  /** SHA-256 of the challenge that a passkey must sign. */
  challengeHash: string;
  /** Empty: no address is known. */
  identifierValue: "";
  createdAt: string;
  expiresAt: string;
  usedAt: string | null;
  redemption: PasskeyRedemption | null;
  /** A BSON date: it is removed when it expires. */
  purgeAt: Date;
}

const challengeIndexes: IndexDescription[] = [{ key: { purgeAt: 1 }, expireAfterSeconds: 0 }];
const openAt = (now: string) => ({ expiresAt: { $gt: now } });

export class PasskeyChallengeRepository extends RedeemableWrites<PasskeyChallenge> {
  static readonly collectionName = "passkey_challenges";
  static readonly indexes = challengeIndexes;
  /** Each is removed within minutes, and names a session only. */
  static readonly personalData = null;
  readonly #collection: Collection<PasskeyChallenge>;
  constructor(database: Db) {
    const collection: Collection<PasskeyChallenge> = database.collection(
      PasskeyChallengeRepository.collectionName,
    );
    super(collection, openAt);
    this.#collection = collection;
  }

  async insert(challenge: PasskeyChallenge): Promise<void> {
    await this.#collection.insertOne(challenge);
  }

  /** A challenge that has not expired, used or not. */
  findOpen(id: string, now: string): Promise<PasskeyChallenge | null> {
    return this.#collection.findOne({ _id: id, ...openAt(now) });
  }
}
