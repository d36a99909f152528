import type { Collection, Db, IndexDescription } from "mongodb";
import { type Device, FAILED_REDEMPTIONS_LIMIT } from "#core/repositories/authorizations.ts";
import { RedeemableWrites, type Redemption } from "#core/repositories/redeemable.ts";
import type { PersonalData } from "#core/repositories/repository.ts";

/** What the provider said about the person. */
export interface VisitIdentity {
  issuer: string;
  subject: string;
  email: string | null;
  emailVerified: boolean;
  /** Whether the provider proves the address: it was trusted when it responded. */
  isProved: boolean;
  name: string | null;
  picture: string | null;
}

/**
 * One visit of a person at a provider: from `start_oauth` to the provider, back by the callback, and until the client redeems the
 * code that the callback gave it. The secrets for the provider are derived from `state`, which is not stored.
 */
export interface OAuthState {
  /** authzcode_<ksuid>, the first half of the code. */
  _id: string;
  /** SHA-256 of the `state` that the provider returns. */
  stateHash: string;
  provider: string;
  clientId: string;
  redirectUri: string;
  /** The client's own state. */
  clientState: string;
  codeChallenge: string;
  intent: "sign_in" | "link";
  /** Of `link`: whose session started it. Of `sign_in`: null until the provider answered, then who signs in or up. */
  userId: string | null;
  /** The session that started a `link`; null for `sign_in`. */
  sessionId: string | null;
  device: Device | null;
  createdAt: string;
  /** ISO. Until the provider answered, the end of the visit; then the end of the code. */
  expiresAt: string;
  /** When the provider answered. A state works once. */
  answeredAt: string | null;
  /** SHA-256 of the second half of the code; null: there is no code. */
  key: string | null;
  identity: VisitIdentity | null;
  /** When the redemption of the code started. */
  usedAt: string | null;
  redemption: Redemption | null;
  revokedAt: string | null;
  failedRedemptions: number;
  purgeAt: Date;
}

const oauthStateIndexes: IndexDescription[] = [
  { key: { stateHash: 1 }, unique: true },
  { key: { userId: 1 } },
  { key: { purgeAt: 1 }, expireAfterSeconds: 0 },
];

/** Matches codes that are neither expired nor blocked. */
const openAt = (now: string) => ({
  key: { $ne: null },
  revokedAt: null,
  expiresAt: { $gt: now },
  failedRedemptions: { $lt: FAILED_REDEMPTIONS_LIMIT },
});

export class OAuthStateRepository extends RedeemableWrites<OAuthState> {
  static readonly collectionName = "oauth_states";
  static readonly indexes = oauthStateIndexes;
  static readonly personalData: PersonalData<OAuthState> = {
    field: "userId",
    refersTo: "userIds",
    withheld: ["stateHash", "codeChallenge", "key", "redemption", "purgeAt"],
    // A code that is still there could sign its user in during the erasure (contract 1.7).
    isErasedFirst: true,
  };
  readonly #collection: Collection<OAuthState>;
  constructor(database: Db) {
    const collection: Collection<OAuthState> = database.collection(OAuthStateRepository.collectionName);
    super(collection, openAt);
    this.#collection = collection;
  }

  find(id: string): Promise<OAuthState | null> {
    return this.#collection.findOne({ _id: id });
  }

  async insert(state: OAuthState): Promise<void> {
    await this.#collection.insertOne(state);
  }

  /**
   * Uses a state up, because the provider answered. One of any simultaneous calls gets the visit, the others null.
   * @param provider whose callback was called: a state of another provider does not count (RFC 9700, section 4.4)
   */
  answer(stateHash: string, provider: string, now: string): Promise<OAuthState | null> {
    return this.#collection.findOneAndUpdate(
      { stateHash, provider, answeredAt: null, expiresAt: { $gt: now } },
      { $set: { answeredAt: now } },
      { returnDocument: "after" },
    );
  }

  /** Adds the code, and whom the provider named. */
  async giveCode(
    id: string,
    given: Required<Pick<OAuthState, "key" | "identity" | "userId" | "expiresAt">>,
  ): Promise<void> {
    await this.#collection.updateOne({ _id: id, key: null }, { $set: given });
  }

  /** Counts a redemption with the correct secret that failed another check. @returns false if nothing was counted */
  async countFailure({ _id, usedAt }: Pick<OAuthState, "_id" | "usedAt">): Promise<boolean> {
    const counted = await this.#collection.updateOne(
      { _id, usedAt, failedRedemptions: { $lt: FAILED_REDEMPTIONS_LIMIT } },
      { $inc: { failedRedemptions: 1 } },
    );
    return counted.modifiedCount === 1;
  }
}
