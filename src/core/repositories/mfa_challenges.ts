import type { Collection, Db, IndexDescription } from "mongodb";
import type { Grant } from "#core/repositories/access_tokens.ts";
import type { Device } from "#core/repositories/authorizations.ts";
import type { IdentifierType } from "#core/repositories/identifiers.ts";
import { RedeemableWrites, type Redemption } from "#core/repositories/redeemable.ts";
import type { PersonalData } from "#core/repositories/repository.ts";
import type { ResetChannel } from "#core/repositories/reset_channel.ts";
import type { AuthenticationMethod } from "#core/repositories/sessions.ts";
import { isDuplicateKey } from "#core/services/mongo.ts";

/** A request for a second factor, after a first factor that was correct or within a session. */
export interface MfaChallenge {
  /** mfachal_<ksuid> */
  _id: string;
  /**
   * `sign_in`: the second factor starts the session. `step_up`: it makes a session fresh. `enrol`: no second factor exists yet; it
   * permits creating one.
   */
  purpose: "sign_in" | "step_up" | "enrol";
  /** SHA-256 of the secret half of `mfa_token`. */
  tokenHash: string;
  userId: string;
  clientId: string;
  /** The session that will start, or that becomes fresh. */
  sessionId: string;
  /** The identifier of the first factor; empty for a step-up, and for an account at an OAuth provider. */
  identifierId: string;
  /** The type of the identifier of the first factor; null if there is none. */
  identifierType: IdentifierType | null;
  /** Normalized; empty if there is none. */
  identifierValue: string;
  /** The linked account that was the first factor. Absent: something else was, or an earlier release stored the challenge. */
  oauthIdentityId?: string;
  rootGrant: Grant;
  /**
   * The channel by which the link or code was sent that set the password of the first factor. Absent: the user set it with an earlier
   * password or factor, or there is no password.
   */
  resetBy?: ResetChannel;
  /** How the first factor was proved. */
  amr: AuthenticationMethod[];
  device: Device | null;
  deviceId: string | null;
  beakId: string | null;
  /** The account that the person chose for the session. Absent: the default account. */
  accountId?: string;
  /** Whether the password of the first factor must be replaced. */
  mustChangePassword?: true;
  /** The code that was last sent to one of its factors. */
  sentCode?: { factorId: string; codeHash: string; sentAt: string };
  /** SHA-256 of the challenge that a passkey must sign to complete it. */
  passkeyHash?: string;
  /** Codes that were presented. They are counted before they are compared. */
  attempts: number;
  createdAt: string;
  expiresAt: string;
  usedAt: string | null;
  redemption: Redemption | null;
  purgeAt: Date;
}

/** After this many codes, correct or wrong, a challenge accepts none. */
export const CHALLENGE_ATTEMPTS = 5;

const challengeIndexes: IndexDescription[] = [
  { key: { userId: 1 } },
  { key: { purgeAt: 1 }, expireAfterSeconds: 0 },
];
const openAt = (now: string) => ({ expiresAt: { $gt: now } });

export class MfaChallengeRepository extends RedeemableWrites<MfaChallenge> {
  static readonly collectionName = "mfa_challenges";
  static readonly indexes = challengeIndexes;
  static readonly personalData: PersonalData<MfaChallenge> = {
    field: "userId",
    refersTo: "userIds",
    withheld: ["tokenHash", "sentCode", "passkeyHash", "redemption", "purgeAt"],
    // One that is still there could sign its user in during the erasure.
    isErasedFirst: true,
  };
  readonly #collection: Collection<MfaChallenge>;
  constructor(database: Db) {
    const collection: Collection<MfaChallenge> = database.collection(MfaChallengeRepository.collectionName);
    super(collection, openAt);
    this.#collection = collection;
  }

  /** Inserts a challenge. One whose first factor is presented again has the same id and stays as it is. */
  async insertIfAbsent(challenge: MfaChallenge): Promise<void> {
    try {
      await this.#collection.insertOne(challenge);
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
  }

  /** A challenge that has not expired, used or not. */
  findOpen(id: string, now: string): Promise<MfaChallenge | null> {
    return this.#collection.findOne({ _id: id, ...openAt(now) });
  }

  /** Lists the challenges of a user, used and expired ones included, the newest first. */
  listNewest(userId: string, limit: number): Promise<MfaChallenge[]> {
    return this.#collection.find({ userId }).sort({ createdAt: -1, _id: -1 }).limit(limit).toArray();
  }

  /**
   * Counts a presented code, before it is compared. Of any number of simultaneous calls, at most `CHALLENGE_ATTEMPTS` get the
   * challenge.
   * @returns null if it has no attempt left or has expired
   */
  countAttempt(id: string, now: string): Promise<MfaChallenge | null> {
    return this.#collection.findOneAndUpdate(
      { _id: id, ...openAt(now), attempts: { $lt: CHALLENGE_ATTEMPTS } },
      { $inc: { attempts: 1 } },
      { returnDocument: "after" },
    );
  }

  /** Stores the code that is sent to a factor, in place of an earlier one. @returns false if the challenge was used or has expired */
  async storeCode(id: string, sentCode: NonNullable<MfaChallenge["sentCode"]>): Promise<boolean> {
    const open = { _id: id, ...openAt(sentCode.sentAt), usedAt: null, attempts: { $lt: CHALLENGE_ATTEMPTS } };
    return (await this.#collection.updateOne(open, { $set: { sentCode } })).matchedCount === 1;
  }

  /** Stores what a passkey must sign, in place of an earlier challenge. @returns false if the challenge was used or has expired */
  async storePasskeyHash(id: string, passkeyHash: string, now: string): Promise<boolean> {
    const open = { _id: id, ...openAt(now), usedAt: null, attempts: { $lt: CHALLENGE_ATTEMPTS } };
    return (await this.#collection.updateOne(open, { $set: { passkeyHash } })).matchedCount === 1;
  }
}
