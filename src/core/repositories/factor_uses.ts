import type { Collection, Filter } from "mongodb";
import type { MfaFactor, UsedStep } from "#core/repositories/mfa_factor_document.ts";
import type { PasskeyUse } from "#core/repositories/passkey.ts";

/** The writes that accept what a person presents of a factor. Part of its repository. */
export class FactorUses {
  readonly #collection: Collection<MfaFactor>;
  constructor(collection: Collection<MfaFactor>) {
    this.#collection = collection;
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

  /**
   * Accepts a response of a passkey. One conditional update decides: the counter must grow, unless the passkey has never counted. Only
   * the challenge that presented it may present it again.
   * @returns false if the counter shows a copy of the passkey, or the factor was removed
   */
  async usePasskey(id: string, { counter, isBackedUp, by, now }: PasskeyUse): Promise<boolean> {
    const grows = [
      ...[{ "passkey.counter": { $lt: counter } }, { "passkey.counter": counter, "passkey.counterBy": by }],
      ...(counter === 0 ? [{ "passkey.counter": 0 }] : []),
    ];
    const used = { "passkey.counter": counter, "passkey.counterBy": by, "passkey.isBackedUp": isBackedUp };
    const result = await this.#collection.updateOne(
      { _id: id, status: "active", $or: grows },
      { $set: { ...used, lastUsedAt: now } },
    );
    return result.matchedCount === 1;
  }

  /**
   * Goes on with an activation that stopped halfway. One of any simultaneous calls gets true.
   * @param last the attempt as it was read
   */
  async resumeActivation(
    id: string,
    { startedAt, hasFailed }: NonNullable<MfaFactor["activation"]>,
    now: string,
  ): Promise<boolean> {
    // Null matches a field that is absent too.
    const last = { "activation.startedAt": startedAt ?? null, "activation.hasFailed": hasFailed ?? null };
    const result = await this.#collection.updateOne(
      { _id: id, status: "active", ...last } as Filter<MfaFactor>,
      { $set: { "activation.startedAt": now }, $unset: { "activation.hasFailed": "" } },
    );
    return result.matchedCount === 1;
  }

  /** Lets an activation be repeated at once. @param startedAt when the failed attempt started; a later attempt is left alone */
  async recordFailedActivation(id: string, startedAt: string): Promise<void> {
    await this.#collection.updateOne(
      { _id: id, status: "active", "activation.startedAt": startedAt },
      { $set: { "activation.hasFailed": true } },
    );
  }

  /** Records the use of a factor whose code was sent. @returns false if the factor was removed */
  async use(id: string, now: string): Promise<boolean> {
    const result = await this.#collection.updateOne(
      { _id: id, status: "active" },
      { $set: { lastUsedAt: now } },
    );
    return result.matchedCount === 1;
  }
}
