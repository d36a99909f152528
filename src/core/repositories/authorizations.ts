import type { Collection, Db, IndexDescription } from "mongodb";
import { RedeemableWrites, type Redemption } from "#core/repositories/redeemable.ts";
import type { PersonalData } from "#core/repositories/repository.ts";

export interface Device {
  platform: "mac" | "windows" | "linux";
  beakId: string;
  fingerprint: string;
}

/** A magic link that was mailed and may be redeemed once. Only the mail holds the secret. */
export interface Authorization {
  /** authzcode_<ksuid> */
  _id: string;
  /** SHA-256 of the secret half. */
  key: string;
  clientId: string;
  state: string;
  codeChallengeMethod: "S256";
  codeChallenge: string;
  redirectUri: string;
  identifierType: "email";
  /** Normalized, as in `identifiers`. */
  identifierValue: string;
  device: Device | null;
  /** The trial that the link belongs to. Not in the published documents. */
  trialId: string | null;
  createdAt: string;
  expiresAt: string;
  /** When its redemption started. */
  usedAt: string | null;
  /**
   * Present from the redemption until another link of the address signs in. Links that were redeemed before resumption
   * existed have none. Not in the published documents.
   */
  redemption?: Redemption | null;
  revokedAt: string | null;
  /** Redemptions that had the correct key and failed a later check. */
  failedRedemptions: number;
  /** SHA-256 of the nonce that the requester got. Only links whose mail shows a code have one. Not in the published documents. */
  nonceHash?: string;
  /** HMAC of the code in the mail and of the link's id. Not in the published documents. */
  userCodeHash?: string;
  /** Codes that were presented with the nonce. They are counted before they are compared. Not in the published documents. */
  userCodeAttempts?: number;
  /** False if registration was closed: the link creates no user. Absent: it may. Not in the published documents. */
  signsUp?: false;
  /** A BSON date, because a TTL index ignores strings. */
  purgeAt: Date;
}

/** After this many failed redemptions the code is refused (contract 1.2). */
export const FAILED_REDEMPTIONS_LIMIT = 10;

/** After this many presented user codes, correct or wrong, no user code of the link is accepted. */
export const USER_CODE_ATTEMPTS = 5;

const authorizationIndexes: IndexDescription[] = [
  { key: { identifierValue: 1, clientId: 1, usedAt: 1 } },
  { key: { nonceHash: 1 }, unique: true, sparse: true },
  { key: { purgeAt: 1 }, expireAfterSeconds: 0 },
];

/** Matches links that are neither revoked nor expired, and have not failed too often. */
const openAt = (now: string) => ({
  revokedAt: null,
  expiresAt: { $gt: now },
  failedRedemptions: { $lt: FAILED_REDEMPTIONS_LIMIT },
});

export class AuthorizationRepository extends RedeemableWrites<Authorization> {
  static readonly collectionName = "authorizations";
  static readonly indexes = authorizationIndexes;
  static readonly personalData: PersonalData<Authorization> = {
    field: "identifierValue",
    refersTo: "addresses",
    withheld: ["key", "codeChallenge", "nonceHash", "userCodeHash", "redemption", "purgeAt"],
    // A link that is still there could sign its user in during the erasure (contract 1.7).
    isErasedFirst: true,
  };
  readonly #collection: Collection<Authorization>;
  constructor(database: Db) {
    const collection: Collection<Authorization> = database.collection(AuthorizationRepository.collectionName);
    super(collection, openAt);
    this.#collection = collection;
  }

  find(id: string): Promise<Authorization | null> {
    return this.#collection.findOne({ _id: id });
  }

  /** Whether a link of an address is stored, in any state. */
  async isKnownAddress(identifierValue: string): Promise<boolean> {
    return (await this.#collection.findOne({ identifierValue }, { projection: { _id: 1 } })) !== null;
  }

  /** The link that an address received last, in any state, or null. */
  findNewest(identifierValue: string): Promise<Authorization | null> {
    return this.#collection.findOne({ identifierValue }, { sort: { createdAt: -1 } });
  }

  /** Whether a link of an address has not expired. */
  async isLinkOpen(identifierValue: string, now: string): Promise<boolean> {
    return (await this.#collection.findOne({ identifierValue, expiresAt: { $gt: now } })) !== null;
  }

  async insert(authorization: Authorization): Promise<void> {
    await this.#collection.insertOne(authorization);
  }

  /** Removes a link that was not mailed: the request was refused while the link was stored. */
  async discard(id: string): Promise<void> {
    await this.#collection.deleteOne({ _id: id });
  }

  /**
   * Counts a redemption that presented the correct secret and failed another check.
   * @param found the link as it was checked
   * @returns the number of failures, including this one. Of simultaneous calls, exactly one gets each number up to
   *   `FAILED_REDEMPTIONS_LIMIT`. Null if nothing was counted, because the link was redeemed, revoked or blocked since
   */
  async countFailure({ _id, usedAt }: Pick<Authorization, "_id" | "usedAt">): Promise<number | null> {
    const counted = await this.#collection.findOneAndUpdate(
      { _id, usedAt, revokedAt: null, failedRedemptions: { $lt: FAILED_REDEMPTIONS_LIMIT } },
      { $inc: { failedRedemptions: 1 } },
      { returnDocument: "after", projection: { failedRedemptions: 1 } },
    );
    return counted?.failedRedemptions ?? null;
  }

  /**
   * Counts a presented user code, before it is compared. Of any number of simultaneous calls, at most `USER_CODE_ATTEMPTS`
   * get the document; no other call may compare a code.
   * @returns null if the nonce is unknown, or the link has no attempt left, is expired, revoked or blocked
   */
  countUserCode(nonceHash: string, now: string): Promise<Authorization | null> {
    return this.#collection.findOneAndUpdate(
      { ...openAt(now), nonceHash, userCodeAttempts: { $lt: USER_CODE_ATTEMPTS } },
      { $inc: { userCodeAttempts: 1 } },
      { returnDocument: "after" },
    );
  }

  /**
   * Ends the other links of an address at a client when one of them has signed in: open links are revoked, and
   * redemptions of used links can't be resumed any more. Links that were requested after the sign-in started stay.
   * @param now when the sign-in started
   */
  async endOthers({ _id, clientId, identifierValue }: Authorization, now: string): Promise<void> {
    const isRedeemable = { usedAt: null, revokedAt: null };
    await this.#collection.updateMany(
      {
        clientId,
        identifierValue,
        _id: { $ne: _id },
        createdAt: { $lte: now },
        $or: [isRedeemable, { redemption: { $ne: null } }],
      },
      [
        {
          $set: {
            redemption: null,
            revokedAt: { $cond: [{ $gt: ["$usedAt", null] }, "$revokedAt", now] },
          },
        },
      ],
    );
  }
}
