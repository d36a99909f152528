import type { Collection, Db, IndexDescription } from "mongodb";
import type { Grant } from "#core/repositories/access_tokens.ts";
import { CombinedReads } from "#core/repositories/combined_reads.ts";
import type { PersonalData } from "#core/repositories/repository.ts";
import { type Session, SessionRepository } from "#core/repositories/sessions.ts";
import { type User, UserRepository } from "#core/repositories/users.ts";
import { isDuplicateKey } from "#core/services/mongo.ts";

/** The input, together with the used token's secret, from which its successor's secret is derived (contract 1.2). */
export interface Rotation {
  successorId: string;
  /** 32 random bytes, hex. */
  salt: string;
  /** Id of the key in REFRESH_KEYS. */
  keyId: string;
  usedAt: string;
  /** The network of the first use. Only the release before this one reads it. */
  network: string;
}

export interface RefreshToken {
  /** reftok_<ksuid> */
  _id: string;
  /** SHA-256 of the secret half. */
  key: string;
  clientId: string;
  userId: string;
  sessionId: string;
  generation: number;
  grant: Grant;
  rootGrant: Grant;
  cidrBlocks: string[];
  createdAt: string;
  expiresAt: string;
  usedAt: string | null;
  revokedAt: string | null;
  rotation: Rotation | null;
  /**
   * 30 days after its expiry. Once its successor is acknowledged or used: 35 days after that, if that is earlier.
   */
  purgeAt: Date;
}

const refreshTokenIndexes: IndexDescription[] = [
  { key: { sessionId: 1 } },
  { key: { purgeAt: 1 }, expireAfterSeconds: 0 },
];

/** An update that lets a used token be removed at `purgeAt` instead of later. */
const earlierPurge = (id: string, purgeAt: Date) => ({
  filter: { _id: id, usedAt: { $ne: null } },
  update: { $min: { purgeAt } },
});

/** A token with the documents that decide whether it is accepted. */
interface TokenWithSession {
  token: RefreshToken;
  session: Session | null;
  user: User | null;
}

/** Adds the documents of another collection whose id a field of the token names. */
const joined = (from: string, localField: keyof RefreshToken, as: string) => ({
  $lookup: { from, localField, foreignField: "_id", as },
});

export class RefreshTokenRepository {
  static readonly collectionName = "refresh-tokens";
  static readonly indexes = refreshTokenIndexes;
  static readonly personalData: PersonalData<RefreshToken> = {
    field: "sessionId",
    refersTo: "sessionIds",
    withheld: ["key", "rotation", "purgeAt"],
  };
  readonly #collection: Collection<RefreshToken>;
  readonly #reads: CombinedReads<RefreshToken>;
  constructor(database: Db) {
    this.#collection = database.collection(RefreshTokenRepository.collectionName);
    this.#reads = new CombinedReads(database, RefreshTokenRepository.collectionName);
  }

  find(id: string): Promise<RefreshToken | null> {
    return this.#reads.findOne({ _id: id });
  }

  /** Reads a token, its session and its user with one command. */
  async findWithSession(id: string): Promise<TokenWithSession | null> {
    const [found] = await this.#collection
      .aggregate<RefreshToken & { sessions: Session[]; users: User[] }>([
        { $match: { _id: id } },
        joined(SessionRepository.collectionName, "sessionId", "sessions"),
        joined(UserRepository.collectionName, "userId", "users"),
      ])
      .toArray();
    if (!found) return null;
    const { sessions, users, ...token } = found;
    return { token, session: sessions[0] ?? null, user: users[0] ?? null };
  }

  /** Inserts a token. A simultaneous or earlier call may have inserted it: all of them derive the same token. */
  async insertIfAbsent(token: RefreshToken): Promise<void> {
    try {
      await this.#collection.insertOne(token);
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
  }

  /**
   * As `insertIfAbsent` of a token and `purgeUsed` of another, in one command. The upsert's result is not read.
   * @param usedId the token to remove at `purgeAt` instead of later
   */
  async insertAndPurgeUsed({ _id, ...token }: RefreshToken, usedId: string, purgeAt: Date): Promise<void> {
    try {
      await this.#collection.bulkWrite([
        { updateOne: earlierPurge(usedId, purgeAt) },
        { updateOne: { filter: { _id }, update: { $setOnInsert: token }, upsert: true } },
      ]);
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
  }

  /** Marks the token as used and fixes its successor. One of any simultaneous calls gets the document, the others null. */
  rotate(id: string, rotation: Rotation): Promise<RefreshToken | null> {
    return this.#collection.findOneAndUpdate(
      { _id: id, usedAt: null, revokedAt: null },
      { $set: { usedAt: rotation.usedAt, rotation } },
      { returnDocument: "after" },
    );
  }

  /**
   * Lets a used token be removed at `purgeAt` instead of later, because the client has its successor. It reads one
   * document, however many used tokens the session has.
   */
  async purgeUsed(id: string, purgeAt: Date): Promise<void> {
    const { filter, update } = earlierPurge(id, purgeAt);
    await this.#collection.updateOne(filter, update);
  }

  /** Lists the tokens of sessions, the oldest first. */
  listBySessions(sessionIds: readonly string[]): Promise<RefreshToken[]> {
    return this.#collection
      .find({ sessionId: { $in: [...sessionIds] } })
      .sort({ createdAt: 1, _id: 1 })
      .toArray();
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
