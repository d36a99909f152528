import type { Collection, Db, IndexDescription } from "mongodb";
import type { Redemption } from "#core/repositories/authorizations.ts";
import type { IdentifierType } from "#core/repositories/identifiers.ts";
import type { PersonalData } from "#core/repositories/repository.ts";

/** What a verification is for. A secret that was created for one purpose is not accepted for another. */
export const VERIFICATION_PURPOSES = [
  "sign_in",
  "register",
  "verify_identifier",
  "reset_password",
  "mfa",
  "mfa_enrol",
  "invite",
] as const;
export type VerificationPurpose = (typeof VERIFICATION_PURPOSES)[number];

/** A code that was sent to an address or a number. The requester has the nonce, and only the message has the code. */
export interface Verification {
  /** verif_<ksuid> */
  _id: string;
  purpose: VerificationPurpose;
  clientId: string;
  identifierType: IdentifierType;
  /** Normalized, as in `identifiers`. */
  identifierValue: string;
  /** The country of a phone number (ISO 3166-1); null for an email address. */
  country: string | null;
  /** SHA-256 of the nonce. */
  nonceHash: string;
  /** HMAC of the code and of the verification's id, because a plain hash of six digits can be reversed by trying all codes. */
  codeHash: string;
  /** Codes that were presented with the nonce. They are counted before they are compared. */
  attempts: number;
  createdAt: string;
  expiresAt: string;
  /** When its redemption started. */
  usedAt: string | null;
  /** The data from which a repeated request gets the same session and refresh token; null until the redemption. */
  redemption: Redemption | null;
  /** When a later verification of the same identifier and purpose replaced it. */
  revokedAt: string | null;
  /** A BSON date, because a TTL index ignores strings. */
  purgeAt: Date;
}

/** After this many presented codes, right or wrong, no code of the verification is accepted. */
export const ATTEMPTS_LIMIT = 5;

const verificationIndexes: IndexDescription[] = [
  { key: { nonceHash: 1 }, unique: true },
  { key: { identifierValue: 1, purpose: 1 } },
  { key: { purgeAt: 1 }, expireAfterSeconds: 0 },
];

const openAt = (now: string) => ({ revokedAt: null, expiresAt: { $gt: now } });

export class VerificationRepository {
  static readonly collectionName = "verifications";
  static readonly indexes = verificationIndexes;
  static readonly personalData: PersonalData<Verification> = {
    field: "identifierValue",
    refersTo: "addresses",
    withheld: ["nonceHash", "codeHash", "redemption", "purgeAt"],
    // A code that is still there could sign its user in during the erasure.
    isErasedFirst: true,
  };
  readonly #collection: Collection<Verification>;
  constructor(database: Db) {
    this.#collection = database.collection(VerificationRepository.collectionName);
  }

  async insert(verification: Verification): Promise<void> {
    await this.#collection.insertOne(verification);
  }

  /**
   * Counts a presented code, before it is compared. Of any number of simultaneous calls, at most `ATTEMPTS_LIMIT` get the
   * document; no other call may compare a code.
   * @returns null if the nonce is unknown, or the verification has no attempt left, is expired or revoked
   */
  countAttempt(nonceHash: string, now: string): Promise<Verification | null> {
    return this.#collection.findOneAndUpdate(
      { ...openAt(now), nonceHash, attempts: { $lt: ATTEMPTS_LIMIT } },
      { $inc: { attempts: 1 } },
      { returnDocument: "after" },
    );
  }

  /** Redeems the verification. One of any simultaneous calls gets the document, the others null. */
  redeem(id: string, redemption: Redemption): Promise<Verification | null> {
    return this.#collection.findOneAndUpdate(
      { ...openAt(redemption.startedAt), _id: id, usedAt: null },
      { $set: { usedAt: redemption.startedAt, redemption } },
      { returnDocument: "after" },
    );
  }

  /**
   * Resumes the redemption of a used verification. One of any simultaneous calls gets the document, the others null.
   * @param startedAt when the redemption was last started or resumed
   */
  resume(id: string, startedAt: string, now: string): Promise<Verification | null> {
    return this.#collection.findOneAndUpdate(
      { ...openAt(now), _id: id, "redemption.startedAt": startedAt },
      { $set: { "redemption.startedAt": now }, $unset: { "redemption.hasFailed": "" } },
      { returnDocument: "after" },
    );
  }

  /**
   * Lets a failed redemption be resumed at once.
   * @param startedAt when the failed attempt started; if another attempt started since, nothing is changed
   */
  async recordFailedRedemption(id: string, startedAt: string): Promise<void> {
    await this.#collection.updateOne(
      { _id: id, "redemption.startedAt": startedAt },
      { $set: { "redemption.hasFailed": true } },
    );
  }

  /** Revokes the earlier verifications of an identifier for a purpose, also used ones, which could be resumed. */
  async revokeEarlier({ _id, purpose, identifierValue }: Verification, now: string): Promise<void> {
    await this.#collection.updateMany(
      { ...openAt(now), purpose, identifierValue, _id: { $ne: _id }, createdAt: { $lte: now } },
      { $set: { revokedAt: now } },
    );
  }
}
