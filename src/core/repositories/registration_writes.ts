import type { Collection } from "mongodb";
import type { Attempt } from "#core/repositories/redeemable.ts";

/** A registration that may run or has stopped; or one that the owner of the address refused by beginning to prove it. */
export type RegistrationState = Attempt | { isRefused: true };

/** The registration of an identifier that may run or has stopped; null if there is none, or its owner refused it. */
export const attemptOf = (registration: RegistrationState | undefined): Attempt | null =>
  registration === undefined || "isRefused" in registration ? null : registration;

/** An identifier whose registration may be incomplete. */
export interface Registrable {
  _id: string;
  verifiedAt: string | null;
  removedAt: string | null;
  registration?: RegistrationState;
}

/** The writes of a registration that is not complete. Part of the repository of identifiers. */
export class RegistrationWrites<Stored extends Registrable> {
  readonly #collection: Collection<Registrable>;
  constructor(identifiers: Collection<Stored>) {
    this.#collection = identifiers as unknown as Collection<Registrable>;
  }

  /**
   * Resumes a registration that stopped. One of any simultaneous calls gets the identifier, the others null.
   * @param startedAt when the registration was last started or resumed
   */
  async resumeRegistration(id: string, startedAt: string, now: string): Promise<Stored | null> {
    const resumed = await this.#collection.findOneAndUpdate(
      { _id: id, verifiedAt: null, removedAt: null, "registration.startedAt": startedAt },
      { $set: { "registration.startedAt": now }, $unset: { "registration.hasFailed": "" } },
      { returnDocument: "after" },
    );
    return resumed as Stored | null;
  }

  /**
   * Lets a failed registration be resumed at once.
   * @param startedAt when the failed attempt started; if another attempt started since, nothing is changed
   */
  async recordFailedRegistration(id: string, startedAt: string): Promise<void> {
    await this.#collection.updateOne(
      { _id: id, "registration.startedAt": startedAt },
      { $set: { "registration.hasFailed": true } },
    );
  }

  /**
   * Ends a registration that is complete: it can't be resumed.
   * @param startedAt when the attempt started
   * @returns false if the owner of the address began to prove it, or another attempt resumed it: then the attempt may leave nothing
   */
  async completeRegistration(id: string, startedAt: string): Promise<boolean> {
    const { matchedCount } = await this.#collection.updateOne(
      { _id: id, verifiedAt: null, "registration.startedAt": startedAt },
      { $unset: { registration: "" } },
    );
    return matchedCount === 1;
  }

  /**
   * Refuses a registration that may be running, because the owner of the address proves it: it can't complete, and a password that
   * it stores from here on signs nobody in.
   */
  async refuseRegistration(id: string): Promise<void> {
    await this.#collection.updateOne(
      { _id: id, verifiedAt: null },
      { $set: { registration: { isRefused: true } } },
    );
  }
}
