import type { Collection, Db, IndexDescription } from "mongodb";
import { CombinedReads } from "#core/repositories/combined_reads.ts";
import { FactorUses } from "#core/repositories/factor_uses.ts";
import type { FactorActivation, FactorType, MfaFactor } from "#core/repositories/mfa_factor_document.ts";
import { OUTBOX_INDEX, pushed, type StoredEvent } from "#core/repositories/outbox.ts";
import type { Passkey } from "#core/repositories/passkey.ts";
import type { PersonalData } from "#core/repositories/repository.ts";
import { isDuplicateKey } from "#core/services/mongo.ts";

export type { FactorType, MfaFactor } from "#core/repositories/mfa_factor_document.ts";

/** After this many codes, a pending factor can't be verified. */
export const ENROL_ATTEMPTS = 5;

const factorIndexes: IndexDescription[] = [
  { key: { userId: 1 } },
  { key: { purgeAt: 1 }, expireAfterSeconds: 0 },
  {
    key: { "passkey.credentialId": 1 },
    unique: true,
    partialFilterExpression: { "passkey.credentialId": { $exists: true } },
  },
  OUTBOX_INDEX,
];

/** The seed of an authenticator app as it is stored. */
export type SealedSeed = Pick<MfaFactor, "_id" | "userId"> & { seed: string };

export class MfaFactorRepository extends FactorUses {
  static readonly collectionName = "mfa_factors";
  static readonly indexes = factorIndexes;
  static readonly personalData: PersonalData<MfaFactor> = {
    field: "userId",
    refersTo: "userIds",
    withheld: ["seed", "codeHash", "challengeHash", "lastStep", "lastStepBy", "activation", "purgeAt"],
  };
  readonly #collection: Collection<MfaFactor>;
  readonly #reads: CombinedReads<MfaFactor>;
  constructor(database: Db) {
    const collection: Collection<MfaFactor> = database.collection(MfaFactorRepository.collectionName);
    super(collection);
    this.#collection = collection;
    this.#reads = new CombinedReads(database, MfaFactorRepository.collectionName);
  }

  async insert(factor: MfaFactor): Promise<void> {
    await this.#collection.insertOne(factor);
  }

  /** Lists the factors of a user that were not removed, pending ones included. They have no order. */
  listOfUser(userId: string): Promise<MfaFactor[]> {
    return this.#reads.findAll({ userId, status: { $in: ["pending", "active"] } });
  }

  /**
   * Lists the factors of a user that a removal must know, pending ones included. They have no order.
   * @param id the factor that is removed, which is listed in any state
   * @param since ISO. Factors that were removed later are listed too
   */
  listForRemoval(userId: string, { id, since }: { id: string; since: string }): Promise<MfaFactor[]> {
    const isListed = [
      { _id: id },
      { status: { $in: ["pending" as const, "active" as const] } },
      { removedAt: { $gt: since } },
    ];
    return this.#reads.findAll({ userId, $or: isListed });
  }

  /** The active factor of a passkey; null if none has it. */
  findByPasskey({ rpId, credentialId }: Pick<Passkey, "rpId" | "credentialId">): Promise<MfaFactor | null> {
    // The condition of the index is repeated (decision 28).
    return this.#collection.findOne({
      "passkey.credentialId": { $eq: credentialId, $exists: true },
      ...{ "passkey.rpId": rpId, status: "active" },
    });
  }

  /** Lists the factors that sign-ins of a user require. They have no order. */
  listActive(userId: string): Promise<MfaFactor[]> {
    return this.#reads.findAll({ userId, status: "active" });
  }

  /**
   * Removes pending factors of a user. Nothing of them was ever used.
   * @param which those of a type, or those that were created until a time, ISO
   */
  async dropPending(userId: string, which: { factorType: FactorType } | { until: string }): Promise<void> {
    const chosen = "until" in which ? { createdAt: { $lte: which.until } } : which;
    await this.#collection.deleteMany({ userId, ...chosen, status: "pending" });
  }

  /**
   * Counts a presented code, before it is compared. Of any number of simultaneous calls, at most `ENROL_ATTEMPTS` get the factor.
   * @returns null if the user has no such factor that can be verified, or it has no attempt left
   */
  countAttempt(id: string, userId: string, now: string): Promise<MfaFactor | null> {
    const isOpen = { status: { $in: ["pending" as const, "active" as const] }, expiresAt: { $gt: now } };
    return this.#collection.findOneAndUpdate(
      { _id: id, userId, ...isOpen, attempts: { $lt: ENROL_ATTEMPTS } },
      { $inc: { attempts: 1 } },
      { returnDocument: "after" },
    );
  }

  /**
   * Activates a pending factor and records it. One of any simultaneous calls gets true. Nobody gets it if another factor has its
   * passkey.
   */
  async activate(
    id: string,
    { proof, activation, now }: FactorActivation,
    events: readonly StoredEvent[],
  ): Promise<boolean> {
    const { push, set } = pushed(events);
    const { step, passkey } = proof;
    const used = step === undefined ? {} : { lastStep: step, lastStepBy: activation.by };
    const made = passkey && { passkey };
    try {
      const result = await this.#collection.updateOne(
        { _id: id, status: "pending" },
        {
          $set: { status: "active", activatedAt: now, activation, ...used, ...made, ...set },
          $unset: { purgeAt: "" },
          $push: push,
        },
      );
      return result.modifiedCount === 1;
    } catch (error) {
      if (passkey && isDuplicateKey(error)) return false;
      throw error;
    }
  }

  /** Records that the call that activated a factor came to its end. */
  async completeActivation(id: string): Promise<void> {
    await this.#collection.updateOne(
      { _id: id, status: "active" },
      { $set: { "activation.isComplete": true } },
    );
  }

  /** Reads every stored seed, with its owner. For commands: it reads the whole collection. */
  allSeeds(): AsyncIterable<SealedSeed> {
    return this.#collection.find({ seed: { $exists: true } }).project<SealedSeed>({ userId: 1, seed: 1 });
  }

  /** Replaces a seed by another encryption of it. @returns false if the seed is another one now, or the factor was removed */
  async replaceSeed({ _id, seed }: Pick<SealedSeed, "_id" | "seed">, sealed: string): Promise<boolean> {
    return (await this.#collection.updateOne({ _id, seed }, { $set: { seed: sealed } })).modifiedCount === 1;
  }

  /**
   * Removes a factor and records it. One of any simultaneous calls gets it.
   * @param status as it was read: what a removal causes depends on it
   * @returns null if it has another status
   */
  remove(
    { _id, status }: Pick<MfaFactor, "_id" | "status">,
    { now, purgeAt }: { now: string; purgeAt: Date },
    events: readonly StoredEvent[],
  ): Promise<MfaFactor | null> {
    const { push, set } = pushed(events);
    return this.#collection.findOneAndUpdate(
      { _id, status: { $eq: status, $ne: "removed" } },
      {
        $set: { status: "removed", removedAt: now, purgeAt, ...set },
        $unset: { seed: "", codeHash: "", passkey: "", challengeHash: "" },
        $push: push,
      },
      { returnDocument: "after" },
    );
  }
}
