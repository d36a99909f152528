import type { Collection, Db, IndexDescription } from "mongodb";
import { CombinedReads } from "#core/repositories/combined_reads.ts";
import type { PersonalData } from "#core/repositories/repository.ts";
import { isDuplicateKey } from "#core/services/mongo.ts";

/**
 * What a token was issued for: an authorization code, a refresh token, a verification, a password or a passkey. `register`: the identifier
 * of an immediate registration. `issue_token`: the name of an internal key.
 */
export interface Grant {
  type: "authorization_code" | "refresh_token" | "otp" | "password" | "webauthn" | "register" | "issue_token";
  value: string;
}

/** The record behind a signed access token. The token itself is not stored. */
export interface AccessToken {
  /** acstok_<ksuid>, the token's `jti` */
  _id: string;
  clientId: string;
  userId: string;
  sessionId: string;
  generation: number;
  grant: Grant;
  rootGrant: Grant;
  /** The caller's IP address. It is stored and never checked (contract C10). */
  cidrBlocks: string[];
  createdAt: string;
  expiresAt: string;
  revokedAt: string | null;
  /** Present on the token of a step-up until its first use. Until then the call that issued it can be repeated. */
  isUnused?: true;
  /** 7 days after its expiry. */
  purgeAt: Date;
}

const accessTokenIndexes: IndexDescription[] = [
  { key: { sessionId: 1 } },
  { key: { purgeAt: 1 }, expireAfterSeconds: 0 },
];

export class AccessTokenRepository {
  static readonly collectionName = "access_tokens";
  static readonly indexes = accessTokenIndexes;
  static readonly personalData: PersonalData<AccessToken> = {
    field: "sessionId",
    refersTo: "sessionIds",
    withheld: ["purgeAt"],
  };
  readonly #collection: Collection<AccessToken>;
  readonly #reads: CombinedReads<AccessToken>;
  constructor(database: Db) {
    this.#collection = database.collection(AccessTokenRepository.collectionName);
    this.#reads = new CombinedReads(database, AccessTokenRepository.collectionName);
  }

  find(id: string): Promise<AccessToken | null> {
    return this.#reads.findOne({ _id: id });
  }

  /** Inserts a token. A token that an earlier run of the same sign-in inserted gets the later expiry. */
  async insertOrExtend(token: AccessToken): Promise<void> {
    try {
      await this.#collection.insertOne(token);
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      const { _id, expiresAt, purgeAt } = token;
      await this.#collection.updateOne({ _id }, { $max: { expiresAt, purgeAt } });
    }
  }

  /** Lists the tokens of sessions, the oldest first. */
  listBySessions(sessionIds: readonly string[]): Promise<AccessToken[]> {
    return this.#collection
      .find({ sessionId: { $in: [...sessionIds] } })
      .sort({ createdAt: 1, _id: 1 })
      .toArray();
  }

  /** Records the first use of the token of a step-up. */
  async recordUse(id: string): Promise<void> {
    await this.#collection.updateOne({ _id: id }, { $unset: { isUnused: "" } });
  }

  async delete(id: string): Promise<void> {
    await this.#collection.deleteOne({ _id: id });
  }

  /** Revokes a token. @returns false if it does not exist or was revoked before */
  async revoke(id: string, now: string): Promise<boolean> {
    const result = await this.#collection.updateOne(
      { _id: id, revokedAt: null },
      { $set: { revokedAt: now } },
    );
    return result.modifiedCount === 1;
  }
}
