import type { Collection, Db, IndexDescription } from "mongodb";
import type { MfaFactorType } from "#core/app/mfa_settings.ts";
import { CombinedReads } from "#core/repositories/combined_reads.ts";
import { OUTBOX_INDEX, type Outbox, pushed, type StoredEvent } from "#core/repositories/outbox.ts";
import type { PersonalData } from "#core/repositories/repository.ts";

/** `totp`: an authenticator app. `sms`, `email`: a code that is sent. */
export type FactorType = MfaFactorType;

/** A second factor of a user. */
export interface MfaFactor extends Outbox {
  /** mfafac_<ksuid> */
  _id: string;
  userId: string;
  factorType: FactorType;
  /** What the user calls it; null: nothing. */
  name: string | null;
  /** `pending`: the user has still to present a code of it. `active`: sign-ins require it. */
  status: "pending" | "active" | "removed";
  /** The seed of `totp`, encrypted with a key of FACTOR_KEYS. Absent from other types and from removed factors. */
  seed?: string;
  /** The time step of the last accepted code of `totp`. Codes of it and of earlier steps are refused. */
  lastStep?: number;
  /** The challenge that accepted `lastStep`, which may present it again. */
  lastStepBy?: string;
  /** The number of `sms` or the address of `email`, normalized. */
  identifierValue?: string;
  /** The country of a number (ISO 3166-1). */
  country?: string | null;
  /** HMAC of the code that was sent to enrol a factor of type `sms` or `email`. */
  codeHash?: string;
  /** Codes that were presented while it was pending. They are counted before they are compared. */
  attempts: number;
  createdAt: string;
  /** When it can't be verified any more. */
  expiresAt: string;
  activatedAt: string | null;
  /** The session or challenge that activated it, so that its call can be repeated if it stopped halfway. */
  activation?: { by: string };
  lastUsedAt: string | null;
  removedAt: string | null;
  /** A BSON date; absent while it is active. */
  purgeAt?: Date;
}

/** After this many codes, a pending factor can't be verified. */
export const ENROL_ATTEMPTS = 5;

const factorIndexes: IndexDescription[] = [
  { key: { userId: 1 } },
  { key: { purgeAt: 1 }, expireAfterSeconds: 0 },
  OUTBOX_INDEX,
];

/** An accepted time step, and the challenge that presented it. */
export interface UsedStep {
  step: number;
  by: string;
  now: string;
}

/** The seed of an authenticator app as it is stored. */
export type SealedSeed = Pick<MfaFactor, "_id" | "userId"> & { seed: string };

export class MfaFactorRepository {
  static readonly collectionName = "mfa_factors";
  static readonly indexes = factorIndexes;
  static readonly personalData: PersonalData<MfaFactor> = {
    field: "userId",
    refersTo: "userIds",
    withheld: ["seed", "codeHash", "lastStep", "lastStepBy", "activation", "purgeAt"],
  };
  readonly #collection: Collection<MfaFactor>;
  readonly #reads: CombinedReads<MfaFactor>;
  constructor(database: Db) {
    this.#collection = database.collection(MfaFactorRepository.collectionName);
    this.#reads = new CombinedReads(database, MfaFactorRepository.collectionName);
  }

  async insert(factor: MfaFactor): Promise<void> {
    await this.#collection.insertOne(factor);
  }

  /** Lists the factors of a user that were not removed, pending ones included. They have no order. */
  listOfUser(userId: string): Promise<MfaFactor[]> {
    return this.#reads.findAll({ userId, status: { $in: ["pending", "active"] } });
  }

  /** A factor of a user, in any state; null if the user has none with this id. */
  findOfUser(id: string, userId: string): Promise<MfaFactor | null> {
    return this.#reads.findOne({ _id: id, userId });
  }

  /** Lists the factors that sign-ins of a user require. They have no order. */
  listActive(userId: string): Promise<MfaFactor[]> {
    return this.#reads.findAll({ userId, status: "active" });
  }

  /** Removes the pending factors of a type, because another one takes their place. Nothing of them was ever used. */
  async dropPending(userId: string, factorType: FactorType): Promise<void> {
    await this.#collection.deleteMany({ userId, factorType, status: "pending" });
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

  /** Activates a pending factor and records it. One of any simultaneous calls gets true. */
  async activate(
    id: string,
    {
      step,
      activation,
      now,
    }: { step: number | null; activation: NonNullable<MfaFactor["activation"]>; now: string },
    events: readonly StoredEvent[],
  ): Promise<boolean> {
    const { push, set } = pushed(events);
    const used = step === null ? {} : { lastStep: step, lastStepBy: activation.by };
    const result = await this.#collection.updateOne(
      { _id: id, status: "pending" },
      {
        $set: { status: "active", activatedAt: now, activation, ...used, ...set },
        $unset: { purgeAt: "" },
        $push: push,
      },
    );
    return result.modifiedCount === 1;
  }

  /**
   * Accepts a code of `totp`. One conditional update decides: a step is accepted once, and none before it. Only the challenge
   * that presented it may present it again.
   * @returns false if the step was used, or the factor was removed
   */
  async useStep(id: string, { step, by, now }: UsedStep): Promise<boolean> {
    const isUnused = [{ lastStep: { $lt: step } }, { lastStep: step, lastStepBy: by }];
    const result = await this.#collection.updateOne(
      { _id: id, status: "active", $or: isUnused },
      { $set: { lastStep: step, lastStepBy: by, lastUsedAt: now } },
    );
    return result.matchedCount === 1;
  }

  /** Reads every stored seed, with its owner. For commands: it reads the whole collection. */
  allSeeds(): AsyncIterable<SealedSeed> {
    return this.#collection.find({ seed: { $exists: true } }).project<SealedSeed>({ userId: 1, seed: 1 });
  }

  /** Replaces a seed by another encryption of it. @returns false if the seed is another one now, or the factor was removed */
  async replaceSeed({ _id, seed }: Pick<SealedSeed, "_id" | "seed">, sealed: string): Promise<boolean> {
    const result = await this.#collection.updateOne({ _id, seed }, { $set: { seed: sealed } });
    return result.modifiedCount === 1;
  }

  /** Records the use of a factor whose code was sent. @returns false if the factor was removed */
  async use(id: string, now: string): Promise<boolean> {
    const result = await this.#collection.updateOne(
      { _id: id, status: "active" },
      { $set: { lastUsedAt: now } },
    );
    return result.matchedCount === 1;
  }

  /**
   * Removes a factor and records it. One of any simultaneous calls gets it.
   * @returns null if it was removed before
   */
  remove(
    id: string,
    { now, purgeAt }: { now: string; purgeAt: Date },
    events: readonly StoredEvent[],
  ): Promise<MfaFactor | null> {
    const { push, set } = pushed(events);
    return this.#collection.findOneAndUpdate(
      { _id: id, status: { $in: ["pending", "active"] } },
      {
        $set: { status: "removed", removedAt: now, purgeAt, ...set },
        $unset: { seed: "", codeHash: "" },
        $push: push,
      },
      { returnDocument: "after" },
    );
  }
}
