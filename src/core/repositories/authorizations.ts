import type { Collection, Db, IndexDescription } from "mongodb";
import type { PersonalData } from "#core/repositories/repository.ts";
import { writeInOrder } from "#core/services/mongo.ts";

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
  /** Normalised, as in `identifiers`. */
  identifierValue: string;
  device: Device | null;
  /** The trial whose link this is. Not in the published documents. */
  trialId: string | null;
  createdAt: string;
  expiresAt: string;
  usedAt: string | null;
  /** The session that it was spent for; null if that came to nothing. Not in the published documents. */
  sessionId?: string | null;
  /** When its sign-in had ended the address's other links; null until then. Not in the published documents. */
  othersEndedAt?: string | null;
  revokedAt: string | null;
  /** Redemptions that had the right key and failed a later check. */
  failedRedemptions: number;
  /** A BSON date, because a TTL index ignores strings. */
  purgeAt: Date;
}

/** With this many failures the code is burnt (contract 1.2). */
export const FAILED_REDEMPTIONS_LIMIT = 10;

const authorizationIndexes: IndexDescription[] = [
  { key: { identifierValue: 1, clientId: 1, usedAt: 1 } },
  { key: { purgeAt: 1 }, expireAfterSeconds: 0 },
];

export class AuthorizationRepository {
  static readonly collectionName = "authorizations";
  static readonly indexes = authorizationIndexes;
  static readonly personalData: PersonalData<Authorization> = {
    field: "identifierValue",
    refersTo: "addresses",
    withheld: ["key", "codeChallenge", "purgeAt"],
  };
  readonly #collection: Collection<Authorization>;
  constructor(database: Db) {
    this.#collection = database.collection(AuthorizationRepository.collectionName);
  }

  find(id: string): Promise<Authorization | null> {
    return this.#collection.findOne({ _id: id });
  }

  async insert(authorization: Authorization): Promise<void> {
    await this.#collection.insertOne(authorization);
  }

  /** Removes a link that was refused while it was stored; nobody holds its secret. */
  async discard(id: string): Promise<void> {
    await this.#collection.deleteOne({ _id: id });
  }

  /**
   * Spends the link. Of any number of simultaneous calls one gets the document and the rest null.
   * @param lostAt when an earlier call spent it and came to nothing
   */
  redeem(
    id: string,
    sessionId: string,
    now: string,
    lostAt: string | null = null,
  ): Promise<Authorization | null> {
    return this.#collection.findOneAndUpdate(
      {
        _id: id,
        usedAt: lostAt,
        revokedAt: null,
        expiresAt: { $gt: now },
        failedRedemptions: { $lt: FAILED_REDEMPTIONS_LIMIT },
      },
      { $set: { usedAt: now, sessionId, othersEndedAt: null } },
      { returnDocument: "after" },
    );
  }

  /** Notes that a link was spent for nothing: for a session that nobody was told of. */
  async giveBack(id: string, sessionId: string): Promise<void> {
    await this.#collection.updateOne({ _id: id, sessionId }, { $set: { sessionId: null } });
  }

  /** Whether another link of the same address and client signed in, or tried to, since this one was made. */
  async isFollowed({ _id, identifierValue, clientId, createdAt }: Authorization): Promise<boolean> {
    const other = { identifierValue, clientId, usedAt: { $gt: createdAt }, _id: { $ne: _id } };
    return (await this.#collection.findOne(other)) !== null;
  }

  /** Counts a redemption that showed the key but failed; never a spent or revoked link. */
  async countFailure(id: string): Promise<void> {
    await this.#collection.updateOne(
      { _id: id, usedAt: null, revokedAt: null },
      { $inc: { failedRedemptions: 1 } },
    );
  }

  /**
   * Revokes the other open links of one address at one client, as a sign-in does, and then notes on the spent one that
   * they are: where there was none, nothing else would tell. One trip, in this order.
   */
  async revokeOthers(spent: Authorization, now: string): Promise<void> {
    const { _id, sessionId, clientId, identifierValue } = spent;
    const others = { clientId, identifierValue, usedAt: null, revokedAt: null, _id: { $ne: _id } };
    await writeInOrder(this.#collection, [
      { updateMany: { filter: others, update: { $set: { revokedAt: now } } } },
      { updateOne: { filter: { _id, sessionId }, update: { $set: { othersEndedAt: now } } } },
    ]);
  }
}
