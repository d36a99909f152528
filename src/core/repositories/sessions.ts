import type { Collection, Db, IndexDescription } from "mongodb";
import { olderThan, type Page } from "#core/paging.ts";
import { CombinedReads } from "#core/repositories/combined_reads.ts";
import { OUTBOX_INDEX, pushed, type StoredEvent } from "#core/repositories/outbox.ts";
import type { PersonalData } from "#core/repositories/repository.ts";
import type { RevokedReason } from "#core/repositories/revoked_reason.ts";
import type { AuthenticationMethod, Session } from "#core/repositories/session_document.ts";
import { isDuplicateKey } from "#core/services/mongo.ts";

export type { AuthenticationMethod, RevokedReason, Session };

/** The end of a session. */
export interface Revocation {
  reason: RevokedReason;
  /** ISO. */
  at: string;
  /** Recorded with it. */
  events: readonly StoredEvent[];
}

/** Where and how a session started, and whether its tokens arrived. */
export type SessionOrigin = Pick<Session, "device" | "ip" | "rootGrant" | "acknowledgedGeneration">;

const ORIGIN = { device: 1, ip: 1, rootGrant: 1, acknowledgedGeneration: 1 };

/** The newest sessions of a user among which a device or a network is looked for. */
const ORIGINS = 100;
const sessionIndexes: IndexDescription[] = [
  { key: { userId: 1, createdAt: 1 } },
  { key: { purgeAt: 1 }, expireAfterSeconds: 0 },
  OUTBOX_INDEX,
];

/**
 * The most sessions that are read at once. Whoever knows a password can start any number of them, and must not make it
 * impossible to end them.
 */
export const LISTED_SESSIONS = 500;

/** The update that revokes a session. */
function ending({ reason, at, events }: Revocation) {
  const { push, set } = pushed(events);
  return { $set: { revokedAt: at, revokedReason: reason, ...set }, $push: push };
}

export class SessionRepository {
  static readonly collectionName = "sessions";
  static readonly indexes = sessionIndexes;
  static readonly personalData: PersonalData<Session> = {
    // By id and not by user: an erasure must not remove a session whose tokens it has not removed.
    field: "_id",
    refersTo: "sessionIds",
    withheld: ["purgeAt"],
  };
  readonly #collection: Collection<Session>;
  readonly #reads: CombinedReads<Session>;
  constructor(database: Db) {
    this.#collection = database.collection(SessionRepository.collectionName);
    this.#reads = new CombinedReads(database, SessionRepository.collectionName);
  }

  find(id: string): Promise<Session | null> {
    return this.#reads.findOne({ _id: id });
  }

  /** The session of a user's last sign-in, in any state; null if the user has never signed in. A test token is no sign-in. */
  findNewest(userId: string): Promise<Session | null> {
    const isSignIn = { "rootGrant.type": { $ne: "issue_token" as const } };
    return this.#collection.findOne({ userId, ...isSignIn }, { sort: { createdAt: -1 } });
  }

  /** Lists where a user's newest sessions started, ended sessions included. @param exceptId a session that is left out */
  listOrigins(userId: string, exceptId: string): Promise<SessionOrigin[]> {
    return this.#collection
      .find({ userId, _id: { $ne: exceptId } }, { projection: ORIGIN })
      .sort({ createdAt: -1 })
      .limit(ORIGINS)
      .toArray();
  }

  /** Lists a user's newest active sessions, the oldest first. */
  async listStanding(userId: string, now: string): Promise<Session[]> {
    const newest = await this.#collection
      .find({ userId, revokedAt: null, expiresAt: { $gt: now } })
      .sort({ createdAt: -1, _id: -1 })
      .limit(LISTED_SESSIONS)
      .toArray();
    return newest.reverse();
  }

  /** Inserts a session that starts. A session that an earlier run of the same sign-in inserted stays as it is. */
  async insertIfAbsent(session: Session): Promise<void> {
    try {
      await this.#collection.insertOne(session);
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
  }

  /**
   * Raises the generation of an active session after a refresh. It never lowers it.
   * @returns false if the session is revoked; then nothing was changed and no tokens may be returned
   */
  async advance(
    id: string,
    to: { generation: number; now: string; expiresAt: string; purgeAt: Date },
  ): Promise<boolean> {
    const result = await this.#collection.updateOne(
      { _id: id, revokedAt: null },
      {
        $max: { generation: to.generation, expiresAt: to.expiresAt, purgeAt: to.purgeAt, lastUsedAt: to.now },
      },
    );
    return result.matchedCount === 1;
  }

  /** Records that an access token of this generation was used. */
  async acknowledge(id: string, generation: number): Promise<void> {
    await this.#collection.updateOne(
      { _id: id, acknowledgedGeneration: { $lt: generation } },
      { $set: { acknowledgedGeneration: generation } },
    );
  }

  /**
   * Makes an active session fresh, because its person proved a second factor. `authTime` never goes back.
   * @returns the session; null if it was revoked
   */
  stepUp(id: string, authTime: string, amr: readonly AuthenticationMethod[]): Promise<Session | null> {
    return this.#collection.findOneAndUpdate(
      { _id: id, revokedAt: null },
      { $max: { authTime }, $set: { amr: [...amr] } },
      { returnDocument: "after" },
    );
  }

  /** Revokes a session and records it. One of any simultaneous calls gets true. */
  async revoke(id: string, revocation: Revocation): Promise<boolean> {
    const result = await this.#collection.updateOne({ _id: id, revokedAt: null }, ending(revocation));
    return result.modifiedCount === 1;
  }

  /** Revokes several sessions and records it. @returns how many this call revoked; others had ended before */
  async revokeAll(revocations: readonly (Revocation & { sessionId: string })[]): Promise<number> {
    if (revocations.length === 0) return 0;
    const updates = revocations
      .toSorted((one, other) => (one.sessionId < other.sessionId ? -1 : 1))
      .map((each) => ({
        updateOne: { filter: { _id: each.sessionId, revokedAt: null }, update: ending(each) },
      }));
    return (await this.#collection.bulkWrite(updates, { ordered: false })).modifiedCount;
  }

  /**
   * Lists the newest `LISTED_SESSIONS` of a user that were not revoked, expired ones included. They have no order.
   * `UserRepository.endSessions` also ends those that are not listed.
   */
  listUnrevoked(userId: string): Promise<Session[]> {
    return this.#reads.findAll({ userId, revokedAt: null }, LISTED_SESSIONS);
  }

  /** Lists a page of a user's active sessions, the newest first. @param after the last session of the page before */
  listPage(userId: string, now: string, { limit, after }: Page): Promise<Session[]> {
    return this.#collection
      .find({ userId, revokedAt: null, expiresAt: { $gt: now }, ...(after && olderThan(after)) })
      .sort({ createdAt: -1, _id: -1 })
      .limit(limit)
      .toArray();
  }

  /** Lists the sessions of a user, ended sessions included, the newest first. @param limit 0: all */
  listByUser(userId: string, limit = 0): Promise<Session[]> {
    return this.#collection.find({ userId }).sort({ createdAt: -1, _id: -1 }).limit(limit).toArray();
  }
}
